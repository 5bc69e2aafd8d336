//! mail-send, which has no pool: a client for each connection, kept.

use super::share;
use crate::mails::{self, FROM, TO};
use crate::order::Order;
use anyhow::Result;
use mail_send::smtp::message::Message;
use mail_send::{Credentials, SmtpClient, SmtpClientBuilder};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

enum Line {
    Plain(SmtpClient<TcpStream>),
    Tls(Box<SmtpClient<TlsStream<TcpStream>>>),
}

pub struct Client {
    lines: Vec<Line>,
    pool: Arc<Vec<Vec<u8>>>,
}

impl Client {
    pub async fn new(order: &Order) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        if let Some(ca) = &order.ca {
            roots.add(CertificateDer::from_pem_file(ca)?)?;
        }
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let mut builder =
            SmtpClientBuilder::new_with_tls_connector("127.0.0.1".to_owned(), order.port, connector);
        if let Some((user, password)) = &order.user {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        let mut lines = Vec::new();
        for _ in 0..order.connections {
            lines.push(match order.ca {
                Some(_) => Line::Tls(Box::new(builder.connect().await?)),
                None => Line::Plain(builder.connect_plain().await?),
            });
        }
        Ok(Self { lines, pool: Arc::new((0..mails::POOL).map(mails::whole).collect()) })
    }

    pub async fn send(self, count: usize) -> Result<Self> {
        let connections = self.lines.len();
        let mut tasks = JoinSet::new();
        for (n, line) in self.lines.into_iter().enumerate() {
            let (pool, share) = (Arc::clone(&self.pool), share(count, connections, n));
            tasks.spawn(async move {
                anyhow::Ok(match line {
                    Line::Plain(client) => Line::Plain(several(client, share, &pool).await?),
                    Line::Tls(client) => Line::Tls(Box::new(several(*client, share, &pool).await?)),
                })
            });
        }
        let mut lines = Vec::new();
        while let Some(line) = tasks.join_next().await {
            lines.push(line??);
        }
        Ok(Self { lines, pool: self.pool })
    }
}

async fn several<T: AsyncRead + AsyncWrite + Unpin>(
    mut client: SmtpClient<T>,
    count: usize,
    pool: &[Vec<u8>],
) -> Result<SmtpClient<T>> {
    for n in 0..count {
        client.send(Message::new(FROM, [TO], pool[n % mails::POOL].as_slice())).await?;
    }
    Ok(client)
}

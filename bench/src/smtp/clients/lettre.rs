//! lettre's asynchronous transport with its pool, a task for each connection.

use super::share;
use crate::mails::{self, FROM, TO};
use crate::order::Order;
use anyhow::Result;
use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::sync::Arc;
use tokio::task::JoinSet;

pub struct Client {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    connections: usize,
    envelope: Arc<Envelope>,
    pool: Arc<Vec<Vec<u8>>>,
}

impl Client {
    pub fn new(order: &Order) -> Result<Self> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(order.port)
            .pool_config(PoolConfig::new().max_size(order.connections.try_into()?));
        if let Some(ca) = &order.ca {
            let parameters = TlsParameters::builder("localhost".into())
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(&std::fs::read(ca)?)?)
                .build()?;
            builder = builder.tls(Tls::Wrapper(parameters));
        }
        if let Some((user, password)) = &order.user {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        let envelope = Envelope::new(Some(FROM.parse()?), vec![TO.parse()?])?;
        let pool = (0..mails::POOL).map(mails::whole).collect();
        Ok(Self {
            transport: builder.build(),
            connections: order.connections,
            envelope: Arc::new(envelope),
            pool: Arc::new(pool),
        })
    }

    pub async fn send(self, count: usize) -> Result<Self> {
        let mut tasks = JoinSet::new();
        for n in 0..self.connections {
            let (transport, envelope) = (self.transport.clone(), Arc::clone(&self.envelope));
            let (pool, share) = (Arc::clone(&self.pool), share(count, self.connections, n));
            tasks.spawn(async move {
                for n in 0..share {
                    transport.send_raw(&envelope, &pool[n % mails::POOL]).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(self)
    }
}

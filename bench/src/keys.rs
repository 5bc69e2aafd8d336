//! One key in the form each library reads, and how each is told to sign.

use anyhow::{Context, Result, ensure};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::dkim::{DkimSigner, Done, Signature};
use message::dkim::{BodyHash, KeyKind, SignedFields, Signer, SigningKey, sign, verify};

/// What the peers sign; ours signs its own, longer list.
const FIELDS: [&str; 6] = ["From", "To", "Subject", "Date", "Message-ID", "Content-Type"];
/// lettre does not see Content-Type, which stands with its parts, and would sign that there is none.
const FIELDS_OF_LETTRE: usize = 5;
const DOMAIN: &str = "forge.example";

pub enum MailAuth {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
    Ed25519(DkimSigner<Ed25519Key, Done>),
}

pub enum Bare {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

pub struct Keys {
    ours: SigningKey,
    fields: SignedFields,
    mail_auth: MailAuth,
    pub lettre: DkimConfig,
    pub bare: Bare,
}

impl Keys {
    pub fn new(kind: KeyKind) -> Result<Self> {
        let (ours, pem) = SigningKey::generate(kind).context("no key")?;
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(&text)?;
        let (algorithm, lettre_key, mail_auth, bare) = match kind {
            KeyKind::Rsa => {
                // PKCS#8 of RSA-2048 is PKCS#1 behind 26 octets.
                let pkcs1 = STANDARD.encode(der.get(26..).context("a short key")?);
                let pem = format!(
                    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
                    lines(&pkcs1)
                );
                #[expect(deprecated, reason = "the other constructor wants one more crate")]
                let key = RsaKey::<Sha256>::from_pkcs8_der(&der).ok().context("mail-auth's key")?;
                let signer = DkimSigner::from_key(key).domain(DOMAIN).selector("s").headers(FIELDS);
                let bare = RsaKeyPair::from_pkcs8(&der).ok().context("a key")?;
                (DkimSigningAlgorithm::Rsa, pem, MailAuth::Rsa(signer), Bare::Rsa(Box::new(bare)))
            }
            KeyKind::Ed25519 => {
                let seed = der.get(der.len() - 32..).context("a short key")?;
                let bare = Ed25519KeyPair::from_seed_unchecked(seed).ok().context("a key")?;
                let key = Ed25519Key::from_seed_and_public_key(seed, bare.public_key().as_ref());
                let signer = DkimSigner::from_key(key.ok().context("mail-auth's key")?);
                let signer = signer.domain(DOMAIN).selector("s").headers(FIELDS);
                let seed = STANDARD.encode(seed);
                (
                    DkimSigningAlgorithm::Ed25519,
                    seed,
                    MailAuth::Ed25519(signer),
                    Bare::Ed25519(Box::new(bare)),
                )
            }
        };
        let relaxed = DkimCanonicalization {
            header: DkimCanonicalizationType::Relaxed,
            body: DkimCanonicalizationType::Relaxed,
        };
        let names = FIELDS.into_iter().take(FIELDS_OF_LETTRE).map(HeaderName::new_from_ascii_str).collect();
        let key_of_lettre = DkimSigningKey::new(&lettre_key, algorithm)?;
        let lettre = DkimConfig::new("s".into(), DOMAIN.into(), key_of_lettre, names, relaxed);
        Ok(Self { ours, fields: SignedFields::default(), mail_auth, lettre, bare })
    }

    pub fn kind(&self) -> &'static str {
        self.ours.kind().name()
    }

    /// The record that stands in DNS.
    pub fn record(&self) -> String {
        self.ours.record()
    }

    /// Our signature field, with its line break.
    pub fn sign_ours(&self, header: &[u8], body: &[u8]) -> Result<Vec<u8>> {
        let mut hash = BodyHash::default();
        hash.update(body);
        let signer = Signer { domain: DOMAIN, selector: "s", key: &self.ours, expires: None };
        Ok(sign(header, hash.finish(), &[signer], &self.fields, jiff::Timestamp::UNIX_EPOCH)?)
    }

    /// Our own check: one signature, and it is good.
    pub fn verify(&self, name: &str, raw: &[u8]) -> Result<()> {
        let end = raw.windows(4).position(|w| w == b"\r\n\r\n").context("no end of the header")?;
        let (header, body) = raw.split_at_checked(end + 2).context("no body")?;
        let body = body.get(2..).context("no body")?;
        let seen = verify(header, body, jiff::Timestamp::UNIX_EPOCH, |_| Some(self.record()));
        ensure!(matches!(&seen[..], [one] if one.outcome.is_ok()), "{name}: {seen:?}");
        Ok(())
    }

    /// The signature of mail-auth, not yet written.
    pub fn sign_mail_auth(&self, mail: &[u8]) -> Result<Signature> {
        let signed = match &self.mail_auth {
            MailAuth::Rsa(signer) => signer.sign(mail),
            MailAuth::Ed25519(signer) => signer.sign(mail),
        };
        signed.ok().context("mail-auth did not sign")
    }
}

fn lines(text: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    lines.join("\n")
}

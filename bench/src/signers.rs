//! One mail, one key, and how each library is told to sign.

use crate::cases::Case;
use crate::contenders;
use anyhow::{Context, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use mail_auth::common::crypto::{Ed25519Key, RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{DkimSigner, Done};
use message::dkim::{BodyHash, KeyKind, SignedFields, Signer, SigningKey, sign, verify};
use std::hint::black_box;

/// What the peers sign; ours signs its own, longer list.
const FIELDS: [&str; 6] = ["From", "To", "Subject", "Date", "Message-ID", "Content-Type"];
const DOMAIN: &str = "forge.example";

enum MailAuth {
    Rsa(DkimSigner<RsaKey<Sha256>, Done>),
    Ed25519(DkimSigner<Ed25519Key, Done>),
}

enum Bare {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

pub struct Signers {
    key: SigningKey,
    fields: SignedFields,
    mail: contenders::Mail,
    whole: Vec<u8>,
    mail_auth: MailAuth,
    lettre: (lettre::Message, DkimConfig),
    bare: Bare,
}

impl Signers {
    pub fn new(kind: KeyKind, case: &Case) -> Result<Self> {
        let (key, pem) = SigningKey::generate(kind).context("no key")?;
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
        let names = FIELDS.map(HeaderName::new_from_ascii_str).to_vec();
        let key_of_lettre = DkimSigningKey::new(&lettre_key, algorithm)?;
        let config = DkimConfig::new("s".into(), DOMAIN.into(), key_of_lettre, names, relaxed);
        let mail = contenders::ours(case, 7)?;
        let whole = mail.concat();
        let lettre = (contenders::lettre_message(case)?, config);
        let all = Self { key, fields: SignedFields::default(), mail, whole, mail_auth, lettre, bare };
        all.prove()?;
        Ok(all)
    }

    /// Ours and mail-auth's signatures are good, as our own check says.
    fn prove(&self) -> Result<()> {
        let peers = match &self.mail_auth {
            MailAuth::Rsa(signer) => signer.sign(&self.whole).map(|s| s.to_header()),
            MailAuth::Ed25519(signer) => signer.sign(&self.whole).map(|s| s.to_header()),
        };
        let peers = peers.ok().context("mail-auth did not sign")?;
        let [header, body] = &self.mail;
        for fields in [String::from_utf8(self.our_fields()?)?, peers] {
            let header = [fields.as_bytes(), header].concat();
            let seen = verify(&header, body, jiff::Timestamp::UNIX_EPOCH, |_| Some(self.key.record()));
            ensure!(seen.iter().all(|one| one.outcome.is_ok()) && seen.len() == 1, "{fields}{seen:?}");
        }
        Ok(())
    }

    fn our_fields(&self) -> Result<Vec<u8>> {
        let [header, body] = &self.mail;
        let mut hash = BodyHash::default();
        hash.update(body);
        let signer = Signer { domain: DOMAIN, selector: "s", key: &self.key, expires: None };
        Ok(sign(header, hash.finish(), &[signer], &self.fields, jiff::Timestamp::UNIX_EPOCH)?)
    }

    pub fn ours(&self) -> Result<()> {
        self.our_fields().map(|fields| drop(black_box(fields)))
    }

    pub fn mail_auth(&self) -> Result<()> {
        let signed = match &self.mail_auth {
            MailAuth::Rsa(signer) => signer.sign(&self.whole).map(drop),
            MailAuth::Ed25519(signer) => signer.sign(&self.whole).map(drop),
        };
        signed.ok().context("mail-auth did not sign")
    }

    pub fn lettre(&self) -> Result<()> {
        let (message, config) = &self.lettre;
        let mut message = message.clone();
        message.sign(config);
        drop(black_box(message));
        Ok(())
    }

    pub fn bare(&self) -> Result<()> {
        let hashed = [7; 300];
        match &self.bare {
            Bare::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &hashed, &mut out).ok().context("RSA")?;
                drop(black_box(out));
            }
            Bare::Ed25519(pair) => drop(black_box(pair.sign(&hashed))),
        }
        Ok(())
    }
}

fn lines(text: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    lines.join("\n")
}

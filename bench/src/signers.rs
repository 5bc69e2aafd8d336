//! One mail, one key, and what each library's signature costs.

use crate::cases::Case;
use crate::contenders;
use crate::keys::{Bare, Keys};
use anyhow::{Context, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use mail_auth::common::headers::HeaderWriter;
use message::dkim::KeyKind;
use std::hint::black_box;

pub struct Signers {
    keys: Keys,
    mail: contenders::Mail,
    whole: Vec<u8>,
    lettre: lettre::Message,
}

impl Signers {
    pub fn new(kind: KeyKind, case: &Case) -> Result<Self> {
        let mail = contenders::ours(case, 7)?;
        let whole = mail.concat();
        let all = Self { keys: Keys::new(kind)?, mail, whole, lettre: contenders::lettre_message(case)? };
        all.prove()?;
        Ok(all)
    }

    /// The signatures are good, as our own check says.
    fn prove(&self) -> Result<()> {
        let [header, body] = &self.mail;
        let ours = self.keys.sign_ours(header, body)?;
        let peers = self.keys.sign_mail_auth(&self.whole)?.to_header();
        let mut lettre = self.lettre.clone();
        lettre.sign(&self.keys.lettre);
        self.keys.verify("postrider", &[&ours[..], &self.whole].concat())?;
        self.keys.verify("mail-auth", &[peers.as_bytes(), &self.whole].concat())?;
        self.keys.verify("lettre", &lettre.formatted())
    }

    pub fn ours(&self) -> Result<()> {
        let [header, body] = &self.mail;
        self.keys.sign_ours(header, body).map(|fields| drop(black_box(fields)))
    }

    pub fn mail_auth(&self) -> Result<()> {
        self.keys.sign_mail_auth(&self.whole).map(|signature| drop(black_box(signature)))
    }

    pub fn lettre(&self) -> Result<()> {
        let mut message = self.lettre.clone();
        message.sign(&self.keys.lettre);
        drop(black_box(message));
        Ok(())
    }

    pub fn bare(&self) -> Result<()> {
        let hashed = [7; 300];
        match &self.keys.bare {
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

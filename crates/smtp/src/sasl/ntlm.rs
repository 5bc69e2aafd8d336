//! NTLM version 2 (MS-NLMP, carried by MS-SMTPNTLM): three messages of binary fields.

mod challenge;

use super::cram_md5::hmac_md5;
use super::{Channel, Credentials, Fault, Secret};
use challenge::Challenge;
use md4::{Digest, Md4};

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
const UNICODE: u32 = 0x0000_0001;
const LM_KEY: u32 = 0x0000_0080;
const DOMAIN_SUPPLIED: u32 = 0x0000_1000;
const EXTENDED_SECURITY: u32 = 0x0008_0000;
const TARGET_INFO: u32 = 0x0080_0000;
const VERSION: u32 = 0x0200_0000;
const BITS_128: u32 = 0x2000_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;
const BITS_56: u32 = 0x8000_0000;
/// 6.1.7601, revision 15: what every server knows.
const OUR_VERSION: [u8; 8] = [6, 1, 0xb1, 0x1d, 0, 0, 0, 15];
/// Octets before the payload.
const NEGOTIATE_HEAD: usize = 40;
const AUTHENTICATE_HEAD: usize = 64;
/// 1601 to 1970, in seconds: where FILETIME begins.
const EPOCH: u64 = 11_644_473_600;

/// The client's side.
#[derive(Debug)]
pub(super) struct Ntlm {
    user: Box<str>,
    /// Whose user it is; `None`: of the domain the server names.
    domain: Option<Box<str>>,
    password: Secret,
    nonce: [u8; 8],
    unix_time: u64,
    answered: bool,
}

impl Ntlm {
    pub(super) fn new(who: &Credentials, channel: &Channel) -> Result<Self, Fault> {
        let mut nonce = [0; 8];
        aws_lc_rs::rand::fill(&mut nonce)
            .map_err(|_| Fault::Unsuitable("this system has no random numbers"))?;
        if std::str::from_utf8(who.secret.expose()).is_err() {
            return Err(Fault::Unsuitable("NTLM needs a password in UTF-8"));
        }
        // `DOMAIN\user`; `user@domain` is found by the whole; the server's own domain for a bare user.
        let (user, domain) = match who.user.split_once('\\') {
            Some((domain, user)) => (user, Some(domain)),
            None if who.user.contains('@') => (&*who.user, Some("")),
            None => (&*who.user, None),
        };
        Ok(Self {
            user: user.into(),
            domain: domain.map(Into::into),
            password: who.secret.clone(),
            nonce,
            unix_time: channel.unix_time,
            answered: false,
        })
    }

    /// NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1).
    pub(super) fn negotiate(&self) -> Secret {
        let mut flags = UNICODE | EXTENDED_SECURITY | TARGET_INFO | BITS_128 | BITS_56;
        // Its characters are the server's own: what is not ASCII stays out, and the server's domain counts.
        let domain = self.domain.as_deref().filter(|domain| domain.is_ascii()).unwrap_or_default();
        let domain = domain.to_ascii_uppercase();
        if !domain.is_empty() {
            flags |= DOMAIN_SUPPLIED;
        }
        let mut message = Message::new(1, NEGOTIATE_HEAD);
        message.head.extend_from_slice(&flags.to_le_bytes());
        message.field(domain.as_bytes());
        message.field(b"");
        message.head.extend_from_slice(&OUR_VERSION);
        message.whole()
    }

    /// AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3) in answer to the server's CHALLENGE_MESSAGE.
    pub(super) fn respond(&mut self, message: &[u8]) -> Result<Secret, Fault> {
        if std::mem::replace(&mut self.answered, true) {
            return Err(Fault::Endless);
        }
        let challenge =
            Challenge::read(message).ok_or(Fault::Malformed("it is no challenge as NTLM has them"))?;
        if challenge.flags & UNICODE == 0 || challenge.flags & (LM_KEY | KEY_EXCHANGE) != 0 {
            return Err(Fault::Malformed("it wants an NTLM older than version 2, or a session key"));
        }
        let target = match &self.domain {
            Some(domain) => utf16(domain),
            None => challenge.target.to_vec(),
        };
        let (lm, nt) = self.responses(&challenge, &target);
        let mut message = Message::new(3, AUTHENTICATE_HEAD);
        message.field(&lm);
        message.field(&nt);
        message.field(&target);
        message.field(&utf16(&self.user));
        message.field(b"");
        message.field(b"");
        message.head.extend_from_slice(&(challenge.flags & !VERSION).to_le_bytes());
        Ok(message.whole())
    }

    /// LMv2 and NTLMv2 responses (MS-NLMP 3.3.2).
    fn responses(&self, challenge: &Challenge<'_>, target: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let key = self.key(target);
        let time = challenge.time().unwrap_or_else(|| match self.unix_time {
            0 => [0; 8],
            seconds => seconds.saturating_add(EPOCH).saturating_mul(10_000_000).to_le_bytes(),
        });
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend_from_slice(&time);
        blob.extend_from_slice(&self.nonce);
        blob.extend_from_slice(&[0; 4]);
        blob.extend_from_slice(challenge.target_info);
        blob.extend_from_slice(&[0; 4]);
        let proof = hmac_md5(key.expose(), &[challenge.nonce, &blob]);
        let lm = match challenge.target_info {
            [] => [&hmac_md5(key.expose(), &[challenge.nonce, &self.nonce]), self.nonce.as_slice()].concat(),
            // A server that describes itself reads the newer response only.
            _ => vec![0; 24],
        };
        (lm, [proof.as_slice(), &blob].concat())
    }

    /// NTOWFv2.
    fn key(&self, target: &[u8]) -> Secret {
        let password = String::from_utf8_lossy(self.password.expose());
        let unicode = Secret::from(utf16(&password));
        let hash = Secret::from(Md4::digest(unicode.expose()).to_vec());
        Secret::from(hmac_md5(hash.expose(), &[&utf16(&upper(&self.user)), target]).to_vec())
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Windows knows no capitals of more than one character.
fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut capitals = c.to_uppercase();
        match (capitals.next(), capitals.next()) {
            (Some(capital), None) => capital,
            _ => c,
        }
    };
    text.chars().map(one).collect()
}

/// A message under way: fields in the head say where in the payload their octets are.
struct Message {
    head: Vec<u8>,
    payload: Vec<u8>,
    size: usize,
}

impl Message {
    fn new(kind: u32, size: usize) -> Self {
        let head = [SIGNATURE.as_slice(), &kind.to_le_bytes()].concat();
        Self { head, payload: Vec::new(), size }
    }

    fn field(&mut self, octets: &[u8]) {
        // What is longer than a field can say is longer than an AUTH line by far, and refused there.
        let length = u16::try_from(octets.len()).unwrap_or(u16::MAX).to_le_bytes();
        let at = u32::try_from(self.size + self.payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        self.head.extend_from_slice(&[length, length].concat());
        self.head.extend_from_slice(&at);
        self.payload.extend_from_slice(octets);
    }

    fn whole(self) -> Secret {
        debug_assert_eq!(self.head.len(), self.size);
        Secret::from([self.head, self.payload].concat())
    }
}

#[cfg(test)]
mod tests;

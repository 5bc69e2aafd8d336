//! Why a key is refused, a mail not signed, a signature not valid.

/// Why a private key cannot be used. Never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it holds no private key; a file with \"-----BEGIN PRIVATE KEY-----\" is expected")]
    NoKey,
    #[error("the key is encrypted; store it without a passphrase, readable for the service alone")]
    Encrypted,
    #[error("the key is neither RSA of 2048 to 8192 bits nor Ed25519; make one with `dkim keygen`")]
    Unusable,
    #[error("the cryptographic library could not make a key")]
    Generate,
}

/// Why a mail was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("there is no From field to sign")]
    NoFrom,
    #[error("the signing domain is not a domain name in ASCII (an IDN is written as xn--…)")]
    Domain,
    #[error("the selector is not a name of letters, digits, \"-\" and \".\"")]
    Selector,
    #[error("the cryptographic library refused to sign")]
    Key,
}

/// Why a signature is not valid. `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DkimFault {
    #[error("the signature field is malformed: {0}")]
    Malformed(&'static str),
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("the From field is not signed")]
    FromNotSigned,
    #[error("the signature has expired")]
    Expired,
    #[error("there is no key record at that name")]
    NoRecord,
    #[error("the key record cannot be used: {0}")]
    Record(&'static str),
    #[error("the key was revoked")]
    Revoked,
    #[error("the body was changed after it was signed")]
    Body,
    #[error("a signed field was changed or added, or the key is another one")]
    Signature,
}

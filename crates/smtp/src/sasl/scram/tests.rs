//! The RFCs' own exchanges, ours against our server, and servers that cheat.

use super::*;
use crate::sasl::Credentials;

fn who(user: &str, password: &str) -> Credentials {
    Credentials::password(user, Secret::from(password))
}

fn scram(hash: Hash, binding: Binding, nonce: &str) -> Scram {
    Scram::with_nonce(hash, &who("user", "pencil"), binding, nonce.into()).unwrap()
}

fn text(secret: Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

struct Vector {
    hash: Hash,
    nonce: &'static str,
    said: &'static str,
    answer: &'static str,
    last: &'static str,
}

/// RFC 5802 5 and RFC 7677 3: user `user`, password `pencil`.
const VECTORS: [Vector; 2] = [
    Vector {
        hash: Hash::Sha1,
        nonce: "fyko+d2lbbFgONRv9qkxdawL",
        said: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        answer: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        last: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    },
    Vector {
        hash: Hash::Sha256,
        nonce: "rOprNGfwEbeRWgbNEkqO",
        said: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        answer: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                 p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        last: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    },
];

#[test]
fn the_rfcs_exchanges() {
    for vector in &VECTORS {
        let mut scram = scram(vector.hash, Binding::None, vector.nonce);
        assert_eq!(text(scram.first()), format!("n,,n=user,r={}", vector.nonce));
        assert_eq!(text(scram.respond(vector.said.as_bytes()).unwrap()), vector.answer);
        assert!(!scram.is_verified());
        assert_eq!(text(scram.respond(vector.last.as_bytes()).unwrap()), "");
        assert!(scram.is_verified());
        assert_eq!(scram.respond(b""), Err(Fault::Endless));
    }
}

#[test]
fn the_flags_of_rfc_5802_6() {
    let exporter = Secret::from(vec![7; 32]);
    let bound = STANDARD.encode([b"p=tls-exporter,,".as_slice(), &[7; 32]].concat());
    for (binding, first, encoded) in [
        (Binding::None, "n,,", "biws".to_owned()),
        (Binding::NotOffered, "y,,", "eSws".to_owned()),
        (Binding::Exporter(exporter), "p=tls-exporter,,", bound),
    ] {
        let mut scram = scram(Hash::Sha256, binding, "abc");
        assert_eq!(text(scram.first()), format!("{first}n=user,r=abc"));
        let answer = text(scram.respond(b"r=abcd,s=QSXCR+Q6sek8bf92,i=4096").unwrap());
        assert!(answer.starts_with(&format!("c={encoded},r=abcd,p=")), "{answer}");
    }
}

#[test]
fn a_server_that_cheats_or_errs_gets_nothing() {
    for said in [
        "",
        "r=xyz123,s=QSXCR+Q6sek8bf92,i=4096",
        "r=abc,s=QSXCR+Q6sek8bf92,i=4096",
        "r=abcd,s=,i=4096",
        "r=abcd,s=%,i=4096",
        "r=abcd,s=QSXCR+Q6sek8bf92,i=0",
        "r=abcd,s=QSXCR+Q6sek8bf92,i=999",
        "r=abcd,s=QSXCR+Q6sek8bf92,i=1000001",
        "r=abcd,s=QSXCR+Q6sek8bf92,i=99999999999999",
        "r=abcd,s=QSXCR+Q6sek8bf92,i=-1",
        "r=abcd,s=QSXCR+Q6sek8bf92",
        "m=ext,r=abcd,s=QSXCR+Q6sek8bf92,i=4096",
        "s=QSXCR+Q6sek8bf92,r=abcd,i=4096",
        "r=abcd\0,s=QSXCR+Q6sek8bf92,i=4096",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ] {
        let mut scram = scram(Hash::Sha1, Binding::None, "abc");
        let answer = scram.respond(said.as_bytes());
        assert!(matches!(answer, Err(Fault::Malformed(_))), "{said:?}: {answer:?}");
        assert!(!scram.is_verified());
    }
    assert!(scram(Hash::Sha1, Binding::None, "abc").respond(b"r=abc\xff,s=QSXC,i=4096").is_err());
}

#[test]
fn only_the_right_signature_proves_the_server() {
    let vector = &VECTORS[1];
    for (last, another) in [
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", false),
        ("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", false),
        ("v=", false),
        ("v=%", false),
        ("x=1", false),
        ("", false),
        ("e=invalid-proof", false),
        ("e=channel-bindings-dont-match", false),
        ("e=unsupported-channel-binding-type", true),
    ] {
        let mut scram = scram(vector.hash, Binding::None, vector.nonce);
        scram.respond(vector.said.as_bytes()).unwrap();
        let fault = scram.respond(last.as_bytes()).unwrap_err();
        assert_eq!(fault.allows_another(), another, "{last}: {fault}");
        assert!(!scram.is_verified(), "{last}");
    }
}

#[test]
fn names_and_passwords_are_prepared() {
    let first = |user: &str| {
        let scram = Scram::with_nonce(Hash::Sha1, &who(user, "x"), Binding::None, "n".into());
        scram.map(|scram| text(scram.first()))
    };
    // RFC 4013 3, and the escapes of RFC 5802 5.1.
    assert_eq!(first("I\u{ad}X").unwrap(), "n,,n=IX,r=n");
    assert_eq!(first("\u{aa}").unwrap(), "n,,n=a,r=n");
    assert_eq!(first("\u{2168}").unwrap(), "n,,n=IX,r=n");
    assert_eq!(first("a,b=c").unwrap(), "n,,n=a=2Cb=3Dc,r=n");
    for user in ["\u{7}", "\u{627}1", ""] {
        assert!(matches!(first(user), Err(Fault::Unsuitable(_))), "{user:?}");
    }
    assert!(Scram::with_nonce(Hash::Sha1, &who("u", "\n"), Binding::None, "n".into()).is_err());
    let octets = Credentials::password("u", Secret::from(vec![0xff]));
    assert!(Scram::with_nonce(Hash::Sha1, &octets, Binding::None, "n".into()).is_err());
}

fn verifier(password: &str, salt: [u8; 16], iterations: u32) -> Verifier {
    Verifier::of(password.as_bytes(), salt, NonZeroU32::new(iterations).unwrap())
}

/// Whether our server believes our client; an error: our client does not believe the server.
fn agree(user: &str, password: &str, kept: Verifier, binding: Binding) -> Result<bool, Fault> {
    let offer = match &binding {
        Binding::Exporter(value) => ServerBinding::Exporter(value.clone()),
        Binding::None | Binding::NotOffered => ServerBinding::NotOffered,
    };
    let mut client = Scram::new(Hash::Sha256, &who(user, password), binding).unwrap();
    let mut server = ScramServer::new(client.first().expose(), &offer).unwrap();
    assert_eq!(server.user(), prepared(user).unwrap());
    let challenge = server.challenge(kept);
    let answer = client.respond(challenge.as_bytes()).unwrap();
    let Some(last) = server.finish(answer.expose()) else { return Ok(false) };
    assert_eq!(server.finish(answer.expose()), None, "once only");
    client.respond(last.as_bytes())?;
    Ok(client.is_verified())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    #[test]
    fn client_and_server_agree_on_the_right_password_only(
        user in "[ -~é中]{1,24}", password in "[ -~éÀ]{1,24}", salt: [u8; 16], count in 1_000u32..1_500, flag in 0..3u8,
    ) {
        let binding = || match flag {
            0 => Binding::None,
            1 => Binding::NotOffered,
            _ => Binding::Exporter(Secret::from(salt.to_vec())),
        };
        let kept = verifier(&prepared(&password).unwrap(), salt, count);
        proptest::prop_assert_eq!(agree(&user, &password, kept.clone(), binding()), Ok(true));
        let wrong = password.clone() + "x";
        proptest::prop_assert_eq!(agree(&user, &wrong, kept.clone(), binding()), Ok(false));
        let liar = Verifier { server_key: [1; 32], ..kept };
        let unproven = agree(&user, &password, liar, binding());
        proptest::prop_assert!(matches!(unproven, Err(Fault::Unproven(_))), "{:?}", unproven);
    }
}

#[test]
fn the_server_takes_no_malformed_message() {
    for message in [
        "",
        "n,,",
        "n,,n=,r=x",
        "n,,r=x,n=u",
        "n,,n=u,r=",
        "n,,n=a=20,r=x",
        "n,,n=a=2,r=x",
        "n,a=other,n=u,r=x",
        "p=tls-exporter,,n=u,r=x",
        "q,,n=u,r=x",
        "n,,m=1,n=u,r=x",
        "n,,n=u\n,r=x",
    ] {
        assert!(ScramServer::new(message.as_bytes(), &ServerBinding::NotOffered).is_none(), "{message:?}");
    }
    let mut server = ScramServer::with_nonce(b"n,a=u=2C,n=u=2C,r=x", &ServerBinding::NotChosen, "y").unwrap();
    assert_eq!(server.user(), "u,");
    assert_eq!(server.finish(b"c=biws,r=xy,p=AAAA"), None, "nothing was asked yet");
    for (offer, flag) in [
        (ServerBinding::NotChosen, "y"),
        (ServerBinding::NotOffered, "p=tls-exporter"),
        (ServerBinding::Exporter(Secret::from("x")), "p=tls-unique"),
        (ServerBinding::Exporter(Secret::from("x")), "n"),
    ] {
        assert!(ScramServer::new(format!("{flag},,n=u,r=x").as_bytes(), &offer).is_none(), "{flag}");
    }
    let kept = verifier("pw", [1; 16], 1_000);
    assert_eq!(server.challenge(kept.clone()), "r=xy,s=AQEBAQEBAQEBAQEBAQEBAQ==,i=1000");
    assert!(!format!("{kept:?}{server:?}").contains("key"), "{server:?}");
    for message in ["", "c=biws,r=xy", "c=biws,r=x,p=AAAA", "c=eSws,r=xy,p=AAAA", "c=biws,r=xy,p=%"] {
        server.challenge(kept.clone());
        assert_eq!(server.finish(message.as_bytes()), None, "{message:?}");
    }
}

/// Somebody in between has a TLS connection of its own with each of us.
#[test]
fn another_connection_is_noticed() {
    let mut client =
        Scram::new(Hash::Sha256, &who("u", "pw"), Binding::Exporter(Secret::from("ours"))).unwrap();
    let theirs = ServerBinding::Exporter(Secret::from("theirs"));
    let mut server = ScramServer::new(client.first().expose(), &theirs).unwrap();
    let challenge = server.challenge(verifier("pw", [1; 16], 1_000));
    let answer = client.respond(challenge.as_bytes()).unwrap();
    assert_eq!(server.finish(answer.expose()), None);
}

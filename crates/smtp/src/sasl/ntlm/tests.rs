//! Messages as the reference sends them, the values of MS-NLMP 4.2.4, and challenges that point nowhere.

use super::*;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

fn ntlm(user: &str, password: &str) -> Ntlm {
    let who = Credentials::password(user, Secret::from(password));
    let mut ntlm = Ntlm::new(&who, &Channel::default()).unwrap();
    ntlm.nonce = [0xaa; 8];
    ntlm
}

#[test]
fn the_first_message() {
    let check = |user: &str, want: &str| {
        assert_eq!(hex(ntlm(user, "x").negotiate().expose()), want, "{user}");
    };
    let bare = "4e544c4d5353500001000000010088a0000000002800000000000000280000000601b11d0000000f";
    check("user", bare);
    check("user@example.com", bare);
    check(
        "Dom\\user",
        "4e544c4d5353500001000000011088a00300030028000000000000002b0000000601b11d0000000f444f4d",
    );
}

/// A challenge with this target, these flags and target information.
fn challenge(flags: u32, target: &str, info: &[u8]) -> Vec<u8> {
    let mut message = Message::new(2, 56);
    message.field(&utf16(target));
    message.head.extend_from_slice(&flags.to_le_bytes());
    message.head.extend_from_slice(&unhex("0123456789abcdef"));
    message.head.extend_from_slice(&[0; 8]);
    message.field(info);
    message.head.extend_from_slice(&OUR_VERSION);
    message.whole().expose().to_vec()
}

/// The octets a field of the head stands for.
fn part(message: &[u8], at: usize) -> Vec<u8> {
    let length = u16::from_le_bytes([message[at], message[at + 1]]);
    let offset = u32::from_le_bytes(message[at + 4..at + 8].try_into().unwrap()) as usize;
    message[offset..offset + usize::from(length)].to_vec()
}

/// MS-NLMP 4.2.1: user `User` of `Domain`, password `Password`, time 0, nonces 0123456789abcdef and aa….
#[test]
fn the_values_of_ms_nlmp_4_2_4() {
    let info = unhex("02000c0044006f006d00610069006e0001000c005300650072007600650072000000 0000");
    let mut ntlm = ntlm("Domain\\User", "Password");
    assert_eq!(hex(ntlm.key(&utf16("Domain")).expose()), "0c868a403bfd7a93a3001ef22ef02e3f");
    let flags = UNICODE | TARGET_INFO | VERSION | BITS_128;
    let answer = ntlm.respond(&challenge(flags, "Server", &info)).unwrap();
    let answer = answer.expose();
    assert_eq!((&answer[..8], &answer[8..12]), (SIGNATURE.as_slice(), [3, 0, 0, 0].as_slice()));
    assert_eq!(part(answer, 12), [0; 24]);
    assert_eq!(hex(&part(answer, 20)[..16]), "68cd0ab851e51c96aabc927bebef6a1c");
    assert_eq!((part(answer, 28), part(answer, 36)), (utf16("Domain"), utf16("User")));
    assert_eq!((part(answer, 44), part(answer, 52)), (vec![], vec![]));
    assert_eq!(answer[60..64], (flags & !VERSION).to_le_bytes());
    // LMv2 where the server does not describe itself.
    let answer = self::ntlm("Domain\\User", "Password").respond(&challenge(UNICODE, "Server", &[])).unwrap();
    assert_eq!(hex(&part(answer.expose(), 12)), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
}

#[test]
fn whose_user_it_is() {
    let domain = |user: &str| {
        let answer = ntlm(user, "x").respond(&challenge(UNICODE, "CORP", &[])).unwrap();
        (part(answer.expose(), 28), part(answer.expose(), 36))
    };
    assert_eq!(domain("user"), (utf16("CORP"), utf16("user")));
    assert_eq!(domain("OTHER\\user"), (utf16("OTHER"), utf16("user")));
    assert_eq!(domain("user@example.com"), (vec![], utf16("user@example.com")));
    assert_eq!(upper("straße Ünü"), "STRAßE ÜNÜ");
}

#[test]
fn the_time_is_the_servers_else_ours() {
    let stamp = [1, 2, 3, 4, 5, 6, 7, 8];
    let info = [&[7, 0, 8, 0], stamp.as_slice(), &[0; 4]].concat();
    let time = |info: &[u8], unix_time: u64| {
        let mut ntlm = ntlm("u", "x");
        ntlm.unix_time = unix_time;
        let answer = ntlm.respond(&challenge(UNICODE | TARGET_INFO, "", info)).unwrap();
        part(answer.expose(), 20)[24..32].to_vec()
    };
    assert_eq!(time(&info, 1), stamp);
    assert_eq!(time(&[0; 4], 0), [0; 8]);
    // 2020-01-01T00:00:00Z.
    assert_eq!(time(&[0; 4], 1_577_836_800), 132_223_104_000_000_000_u64.to_le_bytes());
}

/// CVE-2023-42116 was a challenge whose lengths were believed.
#[test]
fn b4_82_a_challenge_that_points_nowhere_is_refused() {
    let whole = challenge(UNICODE | TARGET_INFO, "CORP", &unhex("0200020041000000 0000"));
    assert!(Challenge::read(&whole).is_some());
    for cut in 0..whole.len() {
        let result = ntlm("u", "x").respond(&whole[..cut]);
        assert!(matches!(result, Err(Fault::Malformed(_))), "{cut}: {result:?}");
    }
    for at in [8, 12, 14, 16, 40, 44] {
        let mut broken = whole.clone();
        broken[at..at + 2].copy_from_slice(&[0xff, 0xff]);
        let read = Challenge::read(&broken);
        assert!(read.is_none() || at == 14, "{at}: {read:?}");
    }
    for info in ["0200ff0041", "02", "0200020041000700080001"] {
        assert_eq!(Challenge::read(&challenge(UNICODE | TARGET_INFO, "", &unhex(info))), None, "{info}");
    }
    for flags in [0, UNICODE | LM_KEY, UNICODE | KEY_EXCHANGE] {
        assert!(ntlm("u", "x").respond(&challenge(flags, "", &[])).is_err(), "{flags:x}");
    }
    let mut ntlm = ntlm("u", "x");
    ntlm.respond(&whole).unwrap();
    assert_eq!(ntlm.respond(&whole), Err(Fault::Endless));
}

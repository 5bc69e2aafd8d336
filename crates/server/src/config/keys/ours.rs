//! Our own sections, `[postrider]` and `[postrider.…]`.

use super::Kind::{Address, Count, Duration, List, Path, Place, Rate, Secret, Size, Switch, Text, Url, Word};
use super::State::NotYet;
use super::Usual::{Empty, Means, Value};
use super::{Key, Section, key, with};

pub(super) const SECTIONS: &[Section] = &[
    Section { name: "postrider", about: "The daemon as a whole.", keys: WHOLE },
    Section {
        name: "postrider.http",
        about: "The HTTP door: API and console. Every call needs a key.",
        keys: HTTP,
    },
    Section {
        name: "postrider.smtp",
        about: "The SMTP door, for applications that speak SMTP. User is a key's name, password the key.",
        keys: SMTP,
    },
    Section {
        name: "postrider.relay",
        about: "Where mail goes. With a URL this section replaces [mailer] for sending; without one it adds to \
                what [mailer] says. Further relays are written as [postrider.relay.NAME], each with a URL of its \
                own; what such a section does not say it takes from here, except URL, USER and passwords.",
        keys: RELAY,
    },
    Section {
        name: "postrider.queue",
        about: "How long mail waits, how often it is tried, how long it is remembered.",
        keys: QUEUE,
    },
    Section {
        name: "postrider.dkim",
        about: "A key that signs the mail of a domain as it leaves. Further keys, also of the same domain, are \
                written as [postrider.dkim.NAME]; such a section takes EXPIRE and REQUIRED from here.",
        keys: DKIM,
    },
    Section {
        name: "postrider.template",
        about: "Templates of mails. Files are read anew when they change.",
        keys: TEMPLATE,
    },
    Section { name: "postrider.bounce", about: "Bounces that come back as mail.", keys: BOUNCE },
];

const WHOLE: &[Key] = &[
    key(
        "DATA_DIR",
        Path,
        Means("$STATE_DIRECTORY, else postrider-data beside this file"),
        "The folder that holds the queue, the keys and the sockets; made if it is not there.",
    ),
    key("MEMORY", Size, Value("128M"), "What all doors together may hold in memory, at least 64M."),
];

const HTTP: &[Key] = &[
    key("LISTEN", Place, Value("127.0.0.1:8025"), "Where it listens."),
    key("PUBLIC_URL", Url, Empty, "How browsers reach it, when a proxy stands in front."),
    with(NotYet("put a proxy in front"), key("TLS_CERT", Path, Empty, "Certificate chain, PEM.")),
    with(NotYet("put a proxy in front"), key("TLS_KEY", Path, Empty, "Its key, PEM.")),
];

const SMTP: &[Key] = &[
    key("LISTEN", Place, Value("off"), "Where it listens; off: not at all."),
    key(
        "ALLOW_LOCAL",
        Switch,
        Value("false"),
        "Takes mail without a key from loopback addresses and the unix socket of this machine.",
    ),
    key("TLS_CERT", Path, Empty, "Certificate chain, PEM; turns STARTTLS on and needs TLS_KEY."),
    key("TLS_KEY", Path, Empty, "The certificate's key, PEM."),
    key("MAX_SIZE", Size, Value("50MB"), "The largest message, at most 50M."),
];

const RELAY: &[Key] = &[
    key(
        "URL",
        Url,
        Empty,
        "smtp://, smtps:// or smtp+starttls:// with user:password@host:port, smtp+unix:///path, \
         lmtp://host:port, lmtp+unix:///path, sendmail:///path?args=…, dummy:// (logs; ?script=… makes it fail: docs/cli.md) or inbox://. smtp+starttls:// demands TLS here.",
    ),
    key("USER", Text, Empty, "The user to sign in as, instead of the one in the URL."),
    key("PASSWD", Secret, Empty, "The password, instead of the one in the URL."),
    key("PASSWD_FILE", Path, Empty, "A file whose first line is the password."),
    key(
        "PASSWD_COMMAND",
        Text,
        Empty,
        "A program, run without a shell, that prints the password on its first line within 10 s.",
    ),
    key(
        "AUTH",
        Word,
        Means("the best that is offered"),
        "The one mechanism to sign in by: SCRAM-SHA-256, SCRAM-SHA-1 (either with -PLUS), PLAIN, LOGIN, CRAM-MD5, NTLM, XOAUTH2, OAUTHBEARER or EXTERNAL.",
    ),
    key(
        "TOKEN_FILE",
        Path,
        Empty,
        "A file whose first line is an OAuth 2 access token, read for each sign-in.",
    ),
    key(
        "TOKEN_COMMAND",
        Text,
        Empty,
        "A program, run without a shell at most once a minute, that prints the access token on its first line within 10 s.",
    ),
    key(
        "TOKEN_URL",
        Url,
        Empty,
        "Where access tokens are fetched, https://: with CLIENT_ID and CLIENT_SECRET, or with REFRESH_TOKEN.",
    ),
    key("CLIENT_ID", Text, Empty, "Who we are at TOKEN_URL."),
    key("CLIENT_SECRET", Secret, Empty, "Our secret at TOKEN_URL."),
    key("CLIENT_SECRET_FILE", Path, Empty, "A file whose first line is our secret."),
    key("REFRESH_TOKEN", Secret, Empty, "What TOKEN_URL gives an access token for."),
    key("REFRESH_TOKEN_FILE", Path, Empty, "A file whose first line is the refresh token."),
    key("SCOPE", Text, Empty, "The scope asked for at TOKEN_URL."),
    key(
        "REQUIRE_TLS",
        Switch,
        Means("as the URL says"),
        "Whether mail may go without TLS when none is offered.",
    ),
    key(
        "CA_FILE",
        Path,
        Empty,
        "Certificates to trust beside the system's, PEM: of authorities, or the relay's own.",
    ),
    key(
        "FINGERPRINT",
        List,
        Empty,
        "SHA-256 of the certificates to take, whoever signed them, in hexadecimal with or without colons.",
    ),
    key(
        "FORCE_TRUST_SERVER_CERT",
        Switch,
        Means("false, or as [mailer] says"),
        "Takes any certificate: no protection at all.",
    ),
    key("CLIENT_CERT_FILE", Path, Empty, "Our own certificate chain, PEM; needs CLIENT_KEY_FILE."),
    key("CLIENT_KEY_FILE", Path, Empty, "The key of our certificate, PEM."),
    key("HELO_HOSTNAME", Text, Means("this machine's name"), "The name we greet with."),
    key(
        "MAX_CONNECTIONS",
        Count,
        Means("as MAX_WORKERS"),
        "Connections to this relay at once, at most 1000.",
    ),
    key(
        "SENDMAIL_TIMEOUT",
        Duration,
        Means("5m, or as [mailer] says"),
        "How long a sendmail:// program may run.",
    ),
    key(
        "SENDMAIL_CONVERT_CRLF",
        Switch,
        Means("true, or as [mailer] says"),
        "Hands a sendmail:// program lines that end in LF.",
    ),
    key(
        "PRIORITY",
        Count,
        Value("10"),
        "Which relay comes first: the lowest number. The next one is for when it fails.",
    ),
    key("RATE", Rate, Means("no limit"), "Mails a relay gets in a second, minute, hour or day: 100/m."),
    key(
        "MAX_IN_DOUBT",
        Count,
        Value("8"),
        "Mails sent on a connection ahead of their answers, where the relay takes pipelining; 1: one after the other.",
    ),
    key(
        "DKIM",
        Word,
        Value("all"),
        "Which fields are signed on this way: all, without-date-and-id where the relay writes those anew, off.",
    ),
];

const DKIM: &[Key] = &[
    key("DOMAIN", Text, Empty, "Whose mail is signed: the domain of From, or one above it."),
    key("SELECTOR", Text, Empty, "The name of the key's record in DNS, before ._domainkey."),
    key(
        "KEY_FILE",
        Path,
        Empty,
        "The private key, PEM: RSA of 2048 bits or more, or Ed25519; dkim keygen makes one.",
    ),
    key(
        "EXPIRE",
        Duration,
        Means("never"),
        "How long after it left a mail may still be verified, at least a day.",
    ),
    key(
        "REQUIRED",
        Switch,
        Value("false"),
        "Whether mail of the domain waits, instead of leaving unsigned, while the record of none of its keys is in DNS.",
    ),
    key(
        "CHECK",
        Switch,
        Value("true"),
        "Whether DNS is asked for each key's record before the key is used; written in [postrider.dkim] alone.",
    ),
    key(
        "RESOLVER",
        List,
        Means("as /etc/resolv.conf says"),
        "The DNS servers to ask for the records, by address; written in [postrider.dkim] alone.",
    ),
];

const QUEUE: &[Key] = &[
    key(
        "RETRY",
        List,
        Value("1m,5m,15m,30m,1h,2h,4h"),
        "The delays between tries; the last one repeats until EXPIRE.",
    ),
    key("EXPIRE", Duration, Value("5d"), "After this, mail that could not be sent is given up as expired."),
    key("KEEP_HISTORY", Duration, Value("30d"), "How long settled mail is remembered, without its content."),
    key(
        "KEEP_BODY",
        Duration,
        Value("0"),
        "How long the content of settled mail is kept; 0: gone when settled. Failed mail keeps it until purged, \
         at most 30d.",
    ),
];

const TEMPLATE: &[Key] = &[
    key("DIR", Path, Empty, "The folder with your own: ID.html, ID.LANG.html, ID.txt, locale/LANG.toml."),
    key("LANGUAGE", Text, Value("en"), "The language of templates and texts that name none."),
];

const BOUNCE: &[Key] = &[with(
    NotYet("remove the section"),
    key("ADDRESS", Address, Empty, "bounces+{token}@domain turns VERP on."),
)];

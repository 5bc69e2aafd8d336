//! Gitea's sections, as far as they concern mail.

use super::Kind::{Address, Count, Duration, Path, Secret, Switch, Text, Url, Word};
use super::State::{Gone, Old, Silent};
use super::Usual::{Empty, Means, Value};
use super::{Key, Section, key, with};

pub(super) const SECTIONS: &[Section] = &[
    Section { name: "", about: "Above the first section.", keys: ROOT },
    Section { name: "server", about: "Only these two keys are read.", keys: SERVER },
    Section { name: "service", about: "Only this key is known.", keys: SERVICE },
    Section {
        name: "mailer",
        about: "How mail looks and, unless [postrider.relay] has a URL, where it goes.",
        keys: MAILER,
    },
    Section {
        name: "mailer.override_header",
        about: "Each key is the name of a header field that every composed mail gets, in place of what it had. \
                Values are separated by commas, \\, is a comma, and no value at all removes the field.",
        keys: &[],
    },
    Section {
        name: "queue",
        about: "Where mail waits. [queue.mail] has the same keys and wins over this section.",
        keys: QUEUE,
    },
    Section { name: "queue.mail", about: "As [queue], for mail only.", keys: QUEUE },
];

const ROOT: &[Key] = &[key(
    "APP_NAME",
    Text,
    Means("the name in FROM"),
    "The application's name, in the mails of events and for %(APP_NAME)s.",
)];

const SERVER: &[Key] = &[
    key(
        "DOMAIN",
        Text,
        Means("localhost; in postrider.toml the domain of FROM, else this machine's name"),
        "The domain of Message-IDs and of our Received lines.",
    ),
    key(
        "ROOT_URL",
        Url,
        Empty,
        "Its host, unless it is an IP address, wins over DOMAIN; the mails of events link to it.",
    ),
];

const SERVICE: &[Key] = &[key(
    "ENABLE_NOTIFY_MAIL",
    Switch,
    Means("false; true in postrider.toml"),
    "Whether the events of a forge are mailed, but for those of accounts (docs/events.md).",
)];

const MAILER: &[Key] = &[
    key(
        "ENABLED",
        Switch,
        Means("false; true where a section [postrider.relay…] has a URL"),
        "Whether mail is sent; false stops the start.",
    ),
    key(
        "FROM",
        Address,
        Means("USER, when that is an address"),
        "The sender, such as \"Forge\" <forge@example.com>.",
    ),
    key(
        "ENVELOPE_FROM",
        Address,
        Means("the sender's address"),
        "Where bounces go, in place of the sender's address; <> for nowhere.",
    ),
    key("SUBJECT_PREFIX", Text, Empty, "Stands before every subject, with a space behind it."),
    key("SEND_AS_PLAIN_TEXT", Switch, Value("false"), "Leaves the HTML part out."),
    key(
        "PROTOCOL",
        Word,
        Means("what follows from SMTP_ADDR and SMTP_PORT"),
        "smtp, smtps, smtp+starttls, smtp+unix, sendmail or dummy.",
    ),
    key("SMTP_ADDR", Text, Empty, "The relay's host name or address, or the path of its socket."),
    key("SMTP_PORT", Count, Means("25, 465 or 587, by PROTOCOL"), "The relay's port."),
    key("USER", Text, Empty, "The user to sign in as; empty: no sign-in."),
    key("PASSWD", Secret, Empty, "The password; protect # ; and quotes by backticks."),
    key("ENABLE_HELO", Switch, Value("true"), "Whether we greet with HELO_HOSTNAME; false: as localhost."),
    key("HELO_HOSTNAME", Text, Means("this machine's name"), "The name we greet with."),
    key("FORCE_TRUST_SERVER_CERT", Switch, Value("false"), "Takes any certificate: no protection at all."),
    key("USE_CLIENT_CERT", Switch, Value("false"), "Shows a certificate of our own to the relay."),
    key("CLIENT_CERT_FILE", Path, Empty, "Our certificate chain, PEM."),
    key("CLIENT_KEY_FILE", Path, Empty, "The key of our certificate, PEM."),
    key(
        "SENDMAIL_PATH",
        Path,
        Value("sendmail"),
        "The program of PROTOCOL = sendmail; a bare name is looked for in PATH.",
    ),
    key("SENDMAIL_ARGS", Text, Empty, "Further arguments, split as a shell does."),
    key(
        "SENDMAIL_TIMEOUT",
        Duration,
        Value("5m"),
        "How long the program may run; what cannot be read counts as 5m.",
    ),
    key("SENDMAIL_CONVERT_CRLF", Switch, Value("true"), "Hands the program lines that end in LF."),
    with(Silent, key("NAME", Text, Means("APP_NAME"), "Shown by Gitea's own pages only.")),
    key(
        "FROM_DISPLAY_NAME_FORMAT",
        Text,
        Value("{{ .DisplayName }}"),
        "The sender's name of events that somebody caused; .AppName and .Domain are there, too.",
    ),
    with(
        Silent,
        key(
            "EMBED_ATTACHMENT_IMAGES",
            Switch,
            Value("false"),
            "Gitea's notifications use it; we do not make those.",
        ),
    ),
    with(
        Old("PROTOCOL"),
        key("MAILER_TYPE", Word, Empty, "sendmail means PROTOCOL = sendmail; other words say nothing."),
    ),
    with(Old("SMTP_ADDR"), key("HOST", Text, Empty, "address:port became SMTP_ADDR and SMTP_PORT.")),
    with(Old("PROTOCOL"), key("IS_TLS_ENABLED", Switch, Empty, "true means smtps, false smtp+starttls.")),
    with(Old("ENABLE_HELO"), key("DISABLE_HELO", Switch, Empty, "The opposite of ENABLE_HELO.")),
    with(Old("FORCE_TRUST_SERVER_CERT"), key("SKIP_VERIFY", Switch, Empty, "The same.")),
    with(Old("USE_CLIENT_CERT"), key("USE_CERTIFICATE", Switch, Empty, "The same.")),
    with(Old("CLIENT_CERT_FILE"), key("CERT_FILE", Path, Empty, "The same; Gitea itself drops it.")),
    with(Old("CLIENT_KEY_FILE"), key("KEY_FILE", Path, Empty, "The same; Gitea itself drops it.")),
    with(
        Old("SEND_AS_PLAIN_TEXT"),
        key("ENABLE_HTML_ALTERNATIVE", Switch, Empty, "The opposite of SEND_AS_PLAIN_TEXT."),
    ),
    with(
        Gone("write LENGTH in [queue.mail] instead"),
        key("SEND_BUFFER_LEN", Count, Empty, "Stops the start, as it does in Gitea."),
    ),
];

/// What `Gone` says of the keys that the queue lost in 2023.
const REMOVED: &str = "remove it";

const QUEUE: &[Key] = &[
    key(
        "TYPE",
        Word,
        Value("level"),
        "level: on disk in DATA_DIR; channel: in memory, lost at the end; dummy and immediate: as channel, and a \
         submission is answered once its mail was tried, after 30 s at the latest; redis: in Redis, which several nodes \
         share; any other word is level.",
    ),
    key(
        "LENGTH",
        Count,
        Means("unset: the disk is the bound"),
        "Unsettled mail that may wait; 0 and less: unset.",
    ),
    key("BATCH_LENGTH", Count, Value("64"), "Mails that a connection leases at once; 0 and less: 64."),
    key("MAX_WORKERS", Count, Value("10"), "Connections to a relay; 0 and less: 10."),
    key(
        "CONN_STR",
        Secret,
        Means("with TYPE = redis redis://127.0.0.1:6379/0"),
        "Where Redis is: redis://user:password@host:6379/0, rediss:// (TLS; ?cafile=/path names its authority), \
         redis+socket:///path?db=0 or redis+sentinel://a:26379,b:26379/0?mastername=NAME; leveldb:// is taken in \
         silence and never written.",
    ),
    with(Silent, key("DATADIR", Path, Empty, "Gitea's queue folder, which we never write.")),
    with(Silent, key("QUEUE_NAME", Text, Value("_queue"), "A name in Gitea's storage.")),
    with(Silent, key("SET_NAME", Text, Value("_unique"), "A name in Gitea's storage.")),
    with(Gone(REMOVED), key("WRAP_IF_NECESSARY", Switch, Empty, "")),
    with(Gone(REMOVED), key("MAX_ATTEMPTS", Count, Empty, "")),
    with(Gone(REMOVED), key("TIMEOUT", Duration, Empty, "")),
    with(Gone(REMOVED), key("WORKERS", Count, Empty, "")),
    with(Gone(REMOVED), key("BLOCK_TIMEOUT", Duration, Empty, "")),
    with(Gone(REMOVED), key("BOOST_TIMEOUT", Duration, Empty, "")),
    with(Gone(REMOVED), key("BOOST_WORKERS", Count, Empty, "")),
];

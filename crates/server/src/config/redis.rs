//! `[queue] CONN_STR` for Redis: all the ways in which Gitea lets it be written, as one URL.

use super::url::decode;

/// A place of Redis, in its usual form: `scheme://[user:pass@]hosts/db?options`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl {
    pub(crate) scheme: &'static str,
    pub(crate) user: String,
    pub(crate) password: String,
    /// `host:port`, or the path of a socket.
    pub(crate) places: Vec<String>,
    pub(crate) db: u32,
    /// Names in small letters without `_`, in the order written.
    pub(crate) options: Vec<(String, String)>,
}

const SCHEMES: [(&str, &str); 10] = [
    ("redis", "redis"),
    ("rediss", "rediss"),
    ("redis+socket", "redis+socket"),
    ("redis+cluster", "redis+cluster"),
    ("rediss+cluster", "rediss+cluster"),
    ("redis+clusters", "rediss+cluster"),
    ("redis+sentinel", "redis+sentinel"),
    ("rediss+sentinel", "rediss+sentinel"),
    ("redis+sentinels", "rediss+sentinel"),
    ("", "redis"),
];

const FORMS: &str = "write redis://127.0.0.1:6379/0, rediss://, redis+socket:///path, redis+cluster:// or \
                     redis+sentinel://";

/// Reads a URL or one of the two older styles (`addrs=… db=0` and `network=tcp,addr=…,db=0`). No
/// error repeats the text, which may hold a password.
pub(crate) fn parse(text: &str) -> Result<RedisUrl, String> {
    match text.split_once("://") {
        Some((scheme, rest)) => url(scheme, rest),
        None if text.contains('=') => old_style(text),
        None => Err(format!("this is no place of Redis; {FORMS}")),
    }
}

fn url(scheme: &str, rest: &str) -> Result<RedisUrl, String> {
    let known = SCHEMES.iter().find(|(word, _)| *word == scheme && !scheme.is_empty());
    let (_, scheme) = known.ok_or_else(|| format!("the scheme before :// is unknown; {FORMS}"))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
    // A user alone is taken as the password.
    let (user, password) = login.split_once(':').unwrap_or(("", login));
    let mut found = RedisUrl {
        scheme,
        user: decode(user)?,
        password: decode(password)?,
        places: Vec::new(),
        db: 0,
        options: Vec::new(),
    };
    if *scheme == "redis+socket" {
        found.places.push(rest.to_owned());
    } else {
        let (hosts, db) = rest.split_once('/').unwrap_or((rest, ""));
        found.places = hosts.split(',').filter(|h| !h.is_empty()).map(with_port).collect();
        // A database that is no number is passed over, as in Gitea.
        found.db = db.parse().unwrap_or(0);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.option(&decode(name)?, &decode(&value.replace('+', " "))?)?;
    }
    found.whole()
}

/// Pairs parted by spaces or by commas.
fn old_style(text: &str) -> Result<RedisUrl, String> {
    let mut found = RedisUrl {
        scheme: "redis",
        user: String::new(),
        password: String::new(),
        places: Vec::new(),
        db: 0,
        options: Vec::new(),
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in text.split([' ', ',']).filter(|part| !part.is_empty()) {
        match (part.split_once('='), pairs.last_mut()) {
            (Some((name, value)), _) => pairs.push((name.to_owned(), value.to_owned())),
            // `addrs=a:1,b:2`
            (None, Some((_, value))) => *value = format!("{value},{part}"),
            (None, None) => return Err(format!("this is no place of Redis; {FORMS}")),
        }
    }
    for (name, value) in pairs {
        match (name.as_str(), value.as_str()) {
            ("network", "unix") => found.scheme = "redis+socket",
            ("network", _) => {}
            _ => found.option(&name, &value)?,
        }
    }
    if found.places.len() > 1 {
        found.scheme = "redis+cluster";
    }
    found.whole()
}

impl RedisUrl {
    fn option(&mut self, name: &str, value: &str) -> Result<(), String> {
        let plain = name.to_lowercase().replace(['_', '-'], "");
        match plain.as_str() {
            "addr" | "addrs" => self.places.extend(value.split(',').map(ToOwned::to_owned)),
            "username" => self.user = value.to_owned(),
            "password" => self.password = value.to_owned(),
            "db" | "database" => {
                self.db = value.parse().map_err(|_| "the database is no number; write db=0".to_owned())?;
            }
            known if OPTIONS.contains(&known) => self.options.push((plain, value.to_owned())),
            _ => return Err(format!("the option {name:?} is not one of Redis's; remove it")),
        }
        Ok(())
    }

    fn whole(mut self) -> Result<Self, String> {
        if self.places.is_empty() {
            self.places.push("127.0.0.1:6379".into());
        }
        if self.scheme == "redis+socket" && self.places.iter().any(|p| !p.starts_with('/')) {
            return Err("the socket's path must be whole; write redis+socket:///run/redis.sock".into());
        }
        Ok(self)
    }
}

fn with_port(host: &str) -> String {
    let bare = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    if bare.contains(':') { host.to_owned() } else { format!("{host}:6379") }
}

/// Those about waiting, pools and clusters are taken and say nothing to our store. `cafile` is ours.
const OPTIONS: [&str; 24] = [
    "cafile",
    "maxretries",
    "minretrybackoff",
    "maxretrybackoff",
    "timeout",
    "dialtimeout",
    "readtimeout",
    "writetimeout",
    "poolsize",
    "minidleconns",
    "pooltimeout",
    "idletimeout",
    "maxredirects",
    "readonly",
    "routebylatency",
    "routerandomly",
    "sentinelmasterid",
    "mastername",
    "sentinelusername",
    "sentinelpassword",
    "clientname",
    "skipverify",
    "insecureskipverify",
    "network",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `scheme user:password hosts/db options`
    fn check(text: &str, expected: &str) {
        let got = parse(text).map(|u| {
            let options: Vec<String> = u.options.iter().map(|(n, v)| format!(" {n}={v}")).collect();
            let RedisUrl { scheme, user, password, places, db, .. } = u;
            format!("{scheme} {user}:{password} {}/{db}{}", places.join(","), options.concat())
        });
        assert_eq!(got.as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn urls_of_redis() {
        check("redis://127.0.0.1:6379/0", "redis : 127.0.0.1:6379/0");
        check("redis://", "redis : 127.0.0.1:6379/0");
        check("redis://cache/3", "redis : cache:6379/3");
        check("rediss://u:p@cache:1/2?pool_size=5", "rediss u:p cache:1/2 poolsize=5");
        check("redis://secret@cache", "redis :secret cache:6379/0");
        check("redis://cache/x", "redis : cache:6379/0");
        check(
            "redis://u%40v:p%2Fq%3A@cache?clientname=a+b%2B",
            "redis u@v:p/q: cache:6379/0 clientname=a b+",
        );
        check("redis+socket:///run/r.sock?db=4", "redis+socket : /run/r.sock/4");
        check("redis+cluster://a:1,b:2/0", "redis+cluster : a:1,b:2/0");
        check("rediss+cluster://a", "rediss+cluster : a:6379/0");
        check("redis+clusters://a", "rediss+cluster : a:6379/0");
        check("redis+sentinel://a/1?master_name=m", "redis+sentinel : a:6379/1 mastername=m");
        check("rediss+sentinel://a", "rediss+sentinel : a:6379/0");
        check("redis+sentinels://[::1]:7", "rediss+sentinel : [::1]:7/0");
        check("redis://?addr=a:1&Skip-Verify=true", "redis : a:1/0 skipverify=true");
    }

    #[test]
    fn old_styles_of_redis() {
        check("addrs=127.0.0.1:6379 db=0", "redis : 127.0.0.1:6379/0");
        check(
            "network=tcp,addr=127.0.0.1:6379,password=macaron,db=0,pool_size=100,idle_timeout=180",
            "redis :macaron 127.0.0.1:6379/0 poolsize=100 idletimeout=180",
        );
        check("addrs=a:1,b:2 db=3", "redis+cluster : a:1,b:2/3");
        check("network=unix addr=/run/r.sock", "redis+socket : /run/r.sock/0");
    }

    #[test]
    fn what_is_no_redis_is_refused_without_repeating_it() {
        for (text, said) in [
            ("secret", "no place of Redis"),
            ("http://secret", "unknown"),
            ("leveldb://secret", "unknown"),
            ("://secret", "unknown"),
            ("redis+socket://secret", "must be whole"),
            ("db=secret", "no number"),
            ("redis://secret%2@a", "hexadecimal"),
            ("redis://a?frob=secret", "\"frob\" is not one"),
        ] {
            let error = parse(text).err().expect(text);
            assert!(error.contains(said) && !error.contains("secret"), "{text}: {error}");
        }
    }
}

//! A URL of Redis as our store takes it.

use super::redis::RedisUrl;
use queue::{HostPort, RedisPlace, RedisTls, RedisWay};
use std::path::{Path, PathBuf};

/// Where Redis is, and what is to be said of how that was written.
pub(crate) struct Found {
    pub(crate) place: RedisPlace,
    pub(crate) warnings: Vec<String>,
}

/// Gitea's, where nothing is written.
pub(crate) fn usual() -> RedisPlace {
    RedisPlace::tcp("127.0.0.1", 6379, 0)
}

/// A place as its `Display` writes it.
pub(crate) fn named(text: &str) -> Result<RedisPlace, String> {
    super::redis::parse(text).and_then(|url| of(url, |path| PathBuf::from(path))).map(|found| found.place)
}

/// `absolute`: the path of a file that a relative one means. No error repeats the URL, which may hold a password.
pub(crate) fn of(url: RedisUrl, absolute: impl Fn(&str) -> PathBuf) -> Result<Found, String> {
    if url.scheme.ends_with("+cluster") {
        return Err(
            "a Redis Cluster cannot keep the queue; name a Redis of its own (redis://), or its Sentinels \
                    (redis+sentinel://)"
                .into(),
        );
    }
    let mut warnings = Vec::new();
    let tls = tls(&url, absolute, &mut warnings)?;
    let way = match url.scheme {
        "redis+socket" => RedisWay::Socket(url.places.concat().into()),
        scheme if scheme.ends_with("+sentinel") => sentinel(&url)?,
        _ => {
            if url.places.len() > 1 {
                warnings
                    .push("names several places, of which only the first is used; remove the others".into());
            }
            RedisWay::Tcp(host_port(url.places.first().map_or("", String::as_str))?)
        }
    };
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let (user, password) = (given(url.user), given(url.password));
    Ok(Found { place: RedisPlace { way, tls, user, password, db: url.db.into(), ..usual() }, warnings })
}

impl RedisUrl {
    fn value(&self, names: &[&str]) -> Option<&str> {
        let found = self.options.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn sentinel(url: &RedisUrl) -> Result<RedisWay, String> {
    let primary = url.value(&["mastername", "sentinelmasterid"]);
    let primary =
        primary.ok_or("the name that the Sentinels have for Redis is missing; add ?mastername=NAME")?;
    Ok(RedisWay::Sentinel {
        sentinels: url.places.iter().map(|place| host_port(place)).collect::<Result<_, _>>()?,
        primary: primary.to_owned(),
        user: url.value(&["sentinelusername"]).map(ToOwned::to_owned),
        password: url.value(&["sentinelpassword"]).map(ToOwned::to_owned),
    })
}

fn tls(
    url: &RedisUrl,
    absolute: impl Fn(&str) -> PathBuf,
    warnings: &mut Vec<String>,
) -> Result<Option<RedisTls>, String> {
    let roots = url.value(&["cafile"]);
    if !url.scheme.starts_with("rediss") {
        return match roots {
            Some(_) => {
                Err("cafile is for TLS only; write rediss:// or rediss+sentinel://, or remove it".into())
            }
            None => Ok(None),
        };
    }
    // The words that Go takes for true.
    let yes = |text: &str| ["1", "t", "T", "true", "TRUE", "True"].contains(&text);
    if ["skipverify", "insecureskipverify"].iter().any(|name| url.value(&[name]).is_some_and(yes)) {
        warnings.push(
            "skip_verify takes any certificate: who can stand in the way to Redis reads and changes all mail; name \
             the authority by cafile=/path instead"
                .into(),
        );
        return Ok(Some(RedisTls::Anybody));
    }
    match roots {
        Some(path) => certificates(&absolute(path)).map(|pem| Some(RedisTls::Roots(pem))),
        None => Ok(Some(RedisTls::System)),
    }
}

fn certificates(path: &Path) -> Result<Vec<u8>, String> {
    let pem = std::fs::read(path).map_err(|e| {
        format!("the file {} of cafile cannot be read: {e}; check path and permissions", path.display())
    })?;
    match memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----") {
        Some(_) => Ok(pem),
        None => Err(format!("the file {} of cafile holds no certificate; it must be PEM", path.display())),
    }
}

fn host_port(text: &str) -> Result<HostPort, String> {
    const WRONG: &str = "a place is not host:port, as in 127.0.0.1:6379 or [::1]:6379";
    let (host, port) = text.rsplit_once(':').ok_or(WRONG)?;
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = literal.unwrap_or(host);
    if !super::values::is_host(host) || (literal.is_none() && host.contains(':')) {
        return Err(WRONG.into());
    }
    super::values::port(port).map(|port| (host.to_owned(), port)).map_err(|_| WRONG.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::redis::parse;

    fn found(text: &str) -> Result<Found, String> {
        parse(text).and_then(|url| of(url, |path| Path::new("/nowhere").join(path)))
    }

    /// `place user:password tls [sentinel's login]`, and the beginning of a warning.
    #[track_caller]
    fn check(text: &str, expected: &str, warning: &str) {
        let Found { place, warnings } = found(text).unwrap();
        let login = |user: &Option<String>, password: &Option<String>| {
            format!(" {}:{}", user.as_deref().unwrap_or("-"), password.as_deref().unwrap_or("-"))
        };
        let tls = match &place.tls {
            None => "",
            Some(RedisTls::System) => " system",
            Some(RedisTls::Roots(_)) => " roots",
            Some(RedisTls::Anybody) => " anybody",
        };
        let ours = login(&place.user, &place.password);
        let theirs = match &place.way {
            RedisWay::Sentinel { user, password, .. } => login(user, password),
            RedisWay::Tcp(_) | RedisWay::Socket(_) => String::new(),
        };
        assert_eq!(format!("{place}{ours}{tls}{theirs}"), expected, "{text}");
        assert!(warnings.concat().starts_with(warning), "{text}: {warnings:?}");
        assert_eq!(warnings.is_empty(), warning.is_empty(), "{text}: {warnings:?}");
        // What is written down to find it again is read as the same place.
        let again = found(&place.to_string()).unwrap().place;
        assert_eq!(again.to_string(), place.to_string());
    }

    #[test]
    fn each_form_is_a_place() {
        check("redis://", "redis://127.0.0.1:6379/0 -:-", "");
        check("redis://u:p@cache/3?pool_size=9&dial_timeout=1s", "redis://cache:6379/3 u:p", "");
        check("redis://[::1]:7?db=1", "redis://[::1]:7/1 -:-", "");
        check("redis://?addrs=a:1,b:2", "redis://a:1/0 -:-", "names several places");
        check("rediss://p@cache", "rediss://cache:6379/0 -:p system", "");
        check("rediss://cache?skip_verify=true", "rediss://cache:6379/0 -:- anybody", "skip_verify");
        check("rediss://cache?insecureskipverify=no", "rediss://cache:6379/0 -:- system", "");
        check("redis+socket:///run/r.sock?db=4", "redis+socket:///run/r.sock?db=4 -:-", "");
        check(
            "redis+sentinel://u:p@a:1,b:2/1?master_name=m&sentinel_username=x&sentinel_password=y%26",
            "redis+sentinel://a:1,b:2/1?mastername=m u:p x:y&",
            "",
        );
        check(
            "rediss+sentinel://a:1?sentinelmasterid=m",
            "rediss+sentinel://a:1/0?mastername=m -:- system -:-",
            "",
        );
        check("addrs=127.0.0.1:6379 db=2", "redis://127.0.0.1:6379/2 -:-", "");
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&ca, "-----BEGIN CERTIFICATE-----").unwrap();
        check(&format!("rediss://a?cafile={}", ca.path().display()), "rediss://a:6379/0 -:- roots", "");
    }

    #[test]
    fn what_our_store_cannot_use_is_refused_with_the_remedy() {
        for (text, said) in [
            ("redis+cluster://a:1,b:2", "redis+sentinel://"),
            ("addrs=a:1,b:2", "redis+sentinel://"),
            ("redis+sentinel://a:1", "?mastername=NAME"),
            ("redis://secret:x", "host:port"),
            ("redis://a b:1", "host:port"),
            ("redis://::1:7", "host:port"),
            ("redis://a:0", "host:port"),
            ("redis://a?cafile=x", "rediss://"),
            ("rediss://a?cafile=no.pem", "/nowhere/no.pem"),
            (concat!("rediss://a?cafile=", env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "must be PEM"),
        ] {
            let error = found(text).err().expect(text);
            assert!(error.contains(said) && !error.contains("secret"), "{text}: {error}");
        }
    }
}

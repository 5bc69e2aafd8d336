//! How we sign in at a relay: `AUTH`, `USER`, a password or an OAuth 2 token.

use super::Surroundings;
use super::passwd::{self, password};
use super::reader::{Reader, Written};
use super::settings::{Grant, Login, Secret, SmtpRelay, Token, TokenEndpoint, TokenSource};

/// The mechanisms that `AUTH` may pin.
const MECHANISMS: [&str; 11] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "NTLM",
    "EXTERNAL",
];
const WITH_TOKEN: [&str; 2] = ["XOAUTH2", "OAUTHBEARER"];

/// What a section says of signing in, read whether or not there is a way to put it to.
pub(crate) struct SignIn {
    mechanism: Option<(String, Written)>,
    user: Option<String>,
    password: Option<(&'static str, Written, Secret)>,
    token: Option<(Token, Written)>,
}

impl SignIn {
    pub(crate) fn read(r: &mut Reader<'_>, section: &str, around: &Surroundings) -> Self {
        let mechanism = mechanism(r, section);
        let user = r.tree.has_own(section, "USER").then(|| r.text(section, "USER")).flatten();
        let password = password(r, section, around);
        let token = token(r, section);
        if let (Some((key, written, _)), Some((token, _))) = (&password, &token) {
            let problem = format!("there is a token too ({}); remove one", token.key.1);
            r.findings.mistake(Some(written.origin.clone()), section, key, problem);
        }
        Self { mechanism, user: user.map(|w| w.text), password, token }
    }

    /// Puts it to a relay that may bring a user and password from its URL or `[mailer]`.
    pub(crate) fn put(self, r: &mut Reader<'_>, section: &str, relay: &mut SmtpRelay) {
        if let Some(user) = self.user {
            let password = relay.login.take().map_or_else(|| String::new().into(), |login| login.password);
            relay.login = Some(Login { user, password });
        }
        if let Some((key, written, secret)) = self.password {
            match &mut relay.login {
                Some(login) => login.password = secret,
                None => no_user(r, section, key, written, "password"),
            }
        }
        if let Some((token, written)) = self.token {
            match relay.login {
                Some(_) => relay.token = Some(token),
                None => no_user(r, section, token.key.1, written, "token"),
            }
        }
        let Some((mechanism, written)) = self.mechanism else { return };
        if let Some(problem) = lacking(&mechanism, relay) {
            r.findings.mistake(Some(written.origin), section, "AUTH", problem);
        }
        relay.mechanism = Some(mechanism);
    }
}

fn no_user(r: &mut Reader<'_>, section: &str, key: &str, written: Written, what: &str) {
    let problem = format!("there is a {what} but no user; write USER, or URL = smtps://user@host");
    r.findings.mistake(Some(written.origin), section, key, problem);
}

/// What a mechanism needs and the relay's settings do not give.
fn lacking(mechanism: &str, relay: &SmtpRelay) -> Option<String> {
    let missing = match mechanism {
        "EXTERNAL" if relay.client_cert.is_none() => "CLIENT_CERT_FILE and CLIENT_KEY_FILE",
        "EXTERNAL" => return None,
        word if WITH_TOKEN.contains(&word) && relay.token.is_none() => {
            "TOKEN_FILE, TOKEN_COMMAND or TOKEN_URL"
        }
        _ if relay.login.is_none() => "USER",
        word if !WITH_TOKEN.contains(&word) && relay.token.is_some() => {
            return Some(format!("{word} takes no token; write XOAUTH2 or OAUTHBEARER, or remove the token"));
        }
        _ => return None,
    };
    Some(format!("{mechanism} needs {missing}; write it, or remove AUTH"))
}

fn mechanism(r: &mut Reader<'_>, section: &str) -> Option<(String, Written)> {
    let word = r.parsed(section, "AUTH", None, |text| match text.to_ascii_uppercase() {
        word if MECHANISMS.contains(&word.as_str()) => Ok(Some(word)),
        _ => Err(format!("{text:?} is no mechanism; write one of {}", MECHANISMS.join(", "))),
    })?;
    r.look(section, "AUTH").map(|written| (word, written))
}

/// Where an access token comes from: one of three keys, written in this very section.
fn token(r: &mut Reader<'_>, section: &str) -> Option<(Token, Written)> {
    let mut found: Option<(Token, Written)> = None;
    let endpoint = endpoint(r, section);
    for key in ["TOKEN_FILE", "TOKEN_COMMAND"] {
        let Some(written) = r.tree.has_own(section, key).then(|| r.text(section, key)).flatten() else {
            continue;
        };
        let source = match key {
            "TOKEN_FILE" => Ok(TokenSource::File(r.absolute(&written.text))),
            _ => passwd::words(&written.text).map(TokenSource::Command),
        };
        match (source, &found) {
            (Err(problem), _) => r.findings.mistake(Some(written.origin), section, key, problem),
            (Ok(_), Some((other, _))) => twice(r, section, key, written, other.key.1),
            (Ok(source), None) => found = Some((Token { source, key: (section.to_owned(), key) }, written)),
        }
    }
    match (endpoint, found) {
        (Some((_, written)), Some((other, _))) => {
            twice(r, section, "TOKEN_URL", written, other.key.1);
            None
        }
        (Some((endpoint, written)), None) => {
            let source = TokenSource::Endpoint(Box::new(endpoint));
            Some((Token { source, key: (section.to_owned(), "TOKEN_URL") }, written))
        }
        (None, found) => found,
    }
}

fn twice(r: &mut Reader<'_>, section: &str, key: &str, written: Written, other: &str) {
    let problem = format!("the token comes from here and from {other}; remove one");
    r.findings.mistake(Some(written.origin), section, key, problem);
}

/// `TOKEN_URL` and what goes with it.
fn endpoint(r: &mut Reader<'_>, section: &str) -> Option<(TokenEndpoint, Written)> {
    let own = |r: &mut Reader<'_>, key| r.tree.has_own(section, key).then(|| r.text(section, key)).flatten();
    let url = own(r, "TOKEN_URL");
    let client_id = own(r, "CLIENT_ID");
    let client_secret = passwd::written_or_file(r, section, ("CLIENT_SECRET", "CLIENT_SECRET_FILE"));
    let refresh = passwd::written_or_file(r, section, ("REFRESH_TOKEN", "REFRESH_TOKEN_FILE"));
    let scope = own(r, "SCOPE");
    let Some(url) = url else {
        for (key, written) in [
            ("CLIENT_ID", client_id),
            ("CLIENT_SECRET", client_secret.map(|(w, _)| w)),
            ("REFRESH_TOKEN", refresh.map(|(w, _)| w)),
            ("SCOPE", scope),
        ] {
            if let Some(written) = written {
                let problem = "says nothing without TOKEN_URL; write it, or remove this";
                r.findings.mistake(Some(written.origin), section, key, problem);
            }
        }
        return None;
    };
    let mut refuse = |key, problem: &str| {
        r.findings.mistake(Some(url.origin.clone()), section, key, problem);
    };
    if !is_safe(&url.text) {
        refuse("TOKEN_URL", "secrets would go there in clear; write an https:// URL");
    }
    if refresh.is_none() && client_secret.is_none() {
        refuse("CLIENT_SECRET", "is missing; TOKEN_URL needs CLIENT_SECRET or REFRESH_TOKEN, or both");
    }
    let Some(client_id) = client_id else {
        refuse("CLIENT_ID", "is missing; TOKEN_URL needs it");
        return None;
    };
    let grant =
        refresh.map_or(Grant::ClientCredentials, |(_, token)| Grant::Refresh { refresh_token: token });
    let endpoint = TokenEndpoint {
        url: url.text.clone(),
        client_id: client_id.text,
        client_secret: client_secret.map(|(_, secret)| secret),
        grant,
        scope: scope.map(|w| w.text),
    };
    Some((endpoint, url))
}

/// TLS, or this machine only.
fn is_safe(url: &str) -> bool {
    let host = |rest: &str| {
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        place.rsplit_once(':').map_or(place, |(host, _)| host).trim_matches(['[', ']']).to_owned()
    };
    match url.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => super::transport::is_local(&host(rest)),
        _ => false,
    }
}

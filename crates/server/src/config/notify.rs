//! What events become mail with: names, and whether Gitea's notifications are sent.

use super::Dialect;
use super::reader::Reader;
use message::Profile;
use notify::{FromFormat, NotifySettings};

const FORMAT: &str = "FROM_DISPLAY_NAME_FORMAT";

pub(crate) fn notify(
    r: &mut Reader<'_>,
    dialect: Dialect,
    profile: &Profile,
    domain: String,
) -> NotifySettings {
    let named = r.text("", "APP_NAME").map(|written| written.text);
    let of_sender = profile.from.as_ref().and_then(|from| from.name.as_deref()).map(ToOwned::to_owned);
    let app_name = named.or(of_sender).unwrap_or_else(|| "Postrider".into());
    let url = r.look("server", "ROOT_URL").map(|written| written.text);
    // `%(PROTOCOL)s://…` of a key that Gitea knows a default of, and we do not, is no URL.
    let is_url =
        |url: &String| (url.starts_with("https://") || url.starts_with("http://")) && !url.contains('%');
    NotifySettings {
        // An application that has no file of Gitea's means the events it hands over.
        enabled: r.switch("service", "ENABLE_NOTIFY_MAIL", dialect == Dialect::Toml),
        from_format: from_format(r),
        app_name,
        app_url: url.filter(is_url),
        domain,
    }
}

/// As Gitea does, we start with a format that is none, and take the default.
fn from_format(r: &mut Reader<'_>) -> FromFormat {
    let Some(written) = r.text("mailer", FORMAT) else { return FromFormat::default() };
    FromFormat::parse(&written.text).unwrap_or_else(|error| {
        let problem = format!("is no format, so the actor's name stands alone: {error}");
        r.findings.warn(Some(written.origin), "mailer", FORMAT, problem);
        FromFormat::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Outcome, Surroundings, read};
    use std::path::Path;

    fn load(name: &str, text: &str) -> Outcome {
        let around = Surroundings { hostname: "box.example".into(), ..Surroundings::default() };
        read(text.as_bytes(), Path::new(name), "/etc/forge".into(), &around)
    }

    fn settings(name: &str, text: &str) -> NotifySettings {
        load(name, text).settings.expect("settings").identity.notify
    }

    #[test]
    fn giteas_keys_name_the_house() {
        let mailer = "[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = \"The Forge\" <f@forge.example>\n";
        let plain = settings("app.ini", mailer);
        assert_eq!((plain.enabled, plain.app_name.as_str()), (false, "The Forge"));
        assert_eq!((plain.domain.as_str(), plain.app_url), ("localhost", None));
        let text = format!(
            "APP_NAME = Git\n[server]\nROOT_URL = https://git.example/\n[service]\nENABLE_NOTIFY_MAIL = true\n{mailer}\
             FROM_DISPLAY_NAME_FORMAT = {{{{ .DisplayName }}}} (by {{{{ .AppName }}}} on [{{{{ .Domain }}}}])\n"
        );
        let full = settings("app.ini", &text);
        assert_eq!(
            (full.enabled, full.app_name.as_str(), full.domain.as_str()),
            (true, "Git", "git.example")
        );
        assert_eq!(full.app_url.as_deref(), Some("https://git.example/"));
        assert_eq!(
            full.from_format.fill("Ada", &full.app_name, &full.domain),
            "Ada (by Git on [git.example])"
        );
        let toml = "[mailer]\nFROM = \"f@forge.example\"\n[postrider.relay]\nURL = \"dummy://\"\n";
        let toml = settings("postrider.toml", toml);
        assert_eq!((toml.enabled, toml.app_name.as_str()), (true, "Postrider"));
        assert_eq!(toml.domain, "forge.example");
    }

    #[test]
    fn a_format_that_is_none_is_told() {
        let ini = "[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = f@forge.example\nFROM_DISPLAY_NAME_FORMAT = {{ .Name }}\n";
        let outcome = load("app.ini", ini);
        assert!(outcome.settings.is_some() && outcome.findings.warnings.len() == 2, "{:?}", outcome.findings);
        let toml = "[mailer]\nFROM = \"f@forge.example\"\nFROM_DISPLAY_NAME_FORMAT = \"{{ .Name }}\"\n\
                    [postrider.relay]\nURL = \"dummy://\"\n";
        let outcome = load("postrider.toml", toml);
        assert!(outcome.settings.is_some() && outcome.findings.warnings.len() == 2, "{:?}", outcome.findings);
    }
}

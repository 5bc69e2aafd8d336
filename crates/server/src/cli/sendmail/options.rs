//! The flags of `sendmail`, as callers of thirty years write them.

use crate::exit::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A mail on stdin (`-bm`).
    Deliver,
    /// SMTP on stdin and stdout (`-bs`).
    Session,
    /// The list of what waits (`-bp`).
    List,
    /// Whether recipients can be (`-bv`).
    Verify,
    /// Aliases are made anew (`-bi`): there are none.
    Aliases,
    /// What waits is tried now (`-q`), or one mail of it (`-qI`).
    Flush(Option<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// Recipients come from the header too.
    pub(crate) from_header: bool,
    /// A line with a single dot is a line like others.
    pub(crate) dots: bool,
    pub(crate) verbose: bool,
    pub(crate) from: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) notify: Option<String>,
    pub(crate) ret: Option<String>,
    pub(crate) envid: Option<String>,
    pub(crate) config: Option<PathBuf>,
    /// Ours: the daemon's folder (`--data`).
    pub(crate) data: Option<PathBuf>,
    pub(crate) to: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Deliver,
            from_header: false,
            dots: false,
            verbose: false,
            from: None,
            name: None,
            notify: None,
            ret: None,
            envid: None,
            config: None,
            data: None,
            to: Vec::new(),
        }
    }
}

/// Flags without a value, which may stand together behind one hyphen.
const ALONE: &str = "tivmnUG";
/// Flags whose value may stand behind them or next.
const VALUED: &str = "frFBNRVCOXLhax";
/// Flags whose value, if any, stands behind them.
const ATTACHED: &str = "bqoAdpE";

/// Reads the words behind the program's name.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let word = text(word)?;
        match word.strip_prefix('-') {
            None | Some("") => options.to.push(word),
            Some("-") => {
                for word in words.by_ref() {
                    options.to.push(text(word)?);
                }
            }
            Some(long) if long.starts_with('-') => own(&mut options, long, &mut words)?,
            Some(flags) => group(&mut options, flags, &mut words)?,
        }
    }
    Ok(options)
}

/// `--config FILE`, `--data DIR`: as on every verb.
fn own(options: &mut Options, long: &str, words: &mut impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(OsString::from(value))),
        None => (long, None),
    };
    let place = match name {
        "-config" => &mut options.config,
        "-data" => &mut options.data,
        _ => return Err(unknown(&format!("-{long}"))),
    };
    let value = value.or_else(|| words.next());
    *place = Some(value.ok_or_else(|| Failure::Usage(format!("sendmail: -{name} lacks its value")))?.into());
    Ok(())
}

fn group(
    options: &mut Options,
    flags: &str,
    words: &mut impl Iterator<Item = OsString>,
) -> Result<(), Failure> {
    let mut rest = flags.chars();
    while let Some(flag) = rest.next() {
        if ALONE.contains(flag) {
            match flag {
                't' => options.from_header = true,
                'i' => options.dots = true,
                'v' => options.verbose = true,
                _ => {}
            }
            continue;
        }
        let behind = rest.as_str();
        if ATTACHED.contains(flag) {
            return attached(options, flag, behind);
        }
        if !VALUED.contains(flag) {
            return Err(unknown(&format!("-{flag}")));
        }
        let value = match behind {
            "" => text(
                words.next().ok_or_else(|| Failure::Usage(format!("sendmail: -{flag} lacks its value")))?,
            )?,
            behind => behind.to_owned(),
        };
        match flag {
            'f' | 'r' => options.from = Some(value),
            'F' => options.name = Some(value),
            'N' => options.notify = Some(value),
            'R' => options.ret = Some(value),
            'V' => options.envid = Some(value),
            'C' => options.config = Some(value.into()),
            // Body type, options, logs, labels, hop counts: what they say is found in the message or
            // stands in our settings.
            _ => {}
        }
        return Ok(());
    }
    Ok(())
}

fn attached(options: &mut Options, flag: char, value: &str) -> Result<(), Failure> {
    match (flag, value) {
        ('b', "m") => options.mode = Mode::Deliver,
        ('b', "s") => options.mode = Mode::Session,
        ('b', "p") => options.mode = Mode::List,
        ('b', "v") => options.mode = Mode::Verify,
        ('b', "i") => options.mode = Mode::Aliases,
        // The status of hosts is forgotten or shown: we keep none.
        ('b', "h" | "H") => options.mode = Mode::Aliases,
        ('b', "d" | "D") => {
            return Err(Failure::Usage("sendmail: the daemon is started by postrider serve".into()));
        }
        ('b', other) => return Err(unknown(&format!("-b{other}"))),
        ('q', "") => options.mode = Mode::Flush(None),
        ('q', value) => {
            // An interval asks for a daemon, which goes by its own clock.
            if let Some(id) = value.strip_prefix('I') {
                options.mode = Mode::Flush(Some(id.to_owned()));
            }
        }
        ('o', value) if value.starts_with('i') => options.dots = true,
        _ => {}
    }
    Ok(())
}

fn text(word: OsString) -> Result<String, Failure> {
    word.into_string()
        .map_err(|word| Failure::Usage(format!("sendmail: {} is not UTF-8", word.to_string_lossy())))
}

fn unknown(flag: &str) -> Failure {
    Failure::Usage(format!("sendmail: {flag} is not known; see postrider sendmail --help"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        parse(line.split(' ').filter(|w| !w.is_empty()).map(OsString::from)).map_err(|e| e.to_string())
    }

    #[track_caller]
    fn check(line: &str, change: impl FnOnce(&mut Options)) {
        let mut expected = Options::default();
        change(&mut expected);
        assert_eq!(read(line).unwrap(), expected, "{line:?}");
    }

    #[test]
    fn callers_of_the_field_are_understood() {
        let some = |text: &str| Some(text.to_owned());
        let to = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        check("-t -i", |o| (o.from_header, o.dots) = (true, true));
        check("-ti", |o| (o.from_header, o.dots) = (true, true));
        check("-oi -f a@b.example -- c@d.example", |o| {
            (o.dots, o.from, o.to) = (true, some("a@b.example"), to(&["c@d.example"]));
        });
        check("-fa@b.example -i c@d.example e@f.example", |o| {
            (o.dots, o.from, o.to) = (true, some("a@b.example"), to(&["c@d.example", "e@f.example"]));
        });
        check("-r <> -F Ada root -v", |o| {
            (o.from, o.name, o.to, o.verbose) = (some("<>"), some("Ada"), to(&["root"]), true);
        });
        check("-N success,delay -R hdrs -V id -B 8BITMIME a", |o| {
            (o.notify, o.ret, o.envid, o.to) = (some("success,delay"), some("hdrs"), some("id"), to(&["a"]));
        });
        check("-Ac -h 5 -L tag -m -n -oem -odb -o7 -X /dev/null -U -G -d0 a", |o| o.to = to(&["a"]));
        check("-bs", |o| o.mode = Mode::Session);
        check("-bp", |o| o.mode = Mode::List);
        check("-bi", |o| o.mode = Mode::Aliases);
        check("-bv a", |o| (o.mode, o.to) = (Mode::Verify, to(&["a"])));
        check("-q", |o| o.mode = Mode::Flush(None));
        check("-qIabc", |o| o.mode = Mode::Flush(some("abc")));
        check("-q30m", |_| {});
        check("-C app.ini -- -f", |o| (o.config, o.to) = (Some("app.ini".into()), to(&["-f"])));
        check("--data /d --config=x a", |o| {
            (o.data, o.config, o.to) = (Some("/d".into()), Some("x".into()), to(&["a"]));
        });
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (line, said) in [
            ("-z", "-z is not known"),
            ("-tz", "-z is not known"),
            ("-f", "-f lacks its value"),
            ("-bx", "-bx is not known"),
            ("-bd", "postrider serve"),
            ("--frob", "--frob is not known"),
            ("--data", "--data lacks its value"),
        ] {
            let refused = read(line).unwrap_err();
            assert!(refused.contains(said), "{line}: {refused}");
        }
    }
}

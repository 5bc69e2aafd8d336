//! A dummy's script as one text: `script=accept,refuse:452,down&repeat=yes`.

use super::Step;
use crate::{Phase, Trouble, TroubleKind};
use envelope::Reply;

/// What becomes of one mail after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DummyScript {
    pub steps: Vec<Step>,
    /// Whether the first step follows the last; else all further mail is accepted.
    pub repeat: bool,
}

const FORM: &str = "write script=…, and repeat=yes to begin anew at its end; the steps, separated by commas, are \
                    accept, refuse:CODE with 400 to 599, down, lost and hang";

impl DummyScript {
    /// Reads `script=STEPS[&repeat=yes]`; an empty text is the empty script.
    ///
    /// # Errors
    /// A sentence with what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("script", steps)) => {
                    script.steps = steps.split(',').map(step).collect::<Result<_, _>>()?;
                }
                Some(("repeat", "yes")) => script.repeat = true,
                Some(("repeat", "no")) => script.repeat = false,
                _ => return Err(format!("{pair:?} is not known here; {FORM}")),
            }
        }
        match script.repeat && script.steps.is_empty() {
            true => Err(format!("there is nothing to repeat; {FORM}")),
            false => Ok(script),
        }
    }
}

fn step(word: &str) -> Result<Step, String> {
    let trouble = |kind, phase, text: &str| Trouble { kind, phase, reply: None, text: text.into() };
    match word.split_once(':') {
        None if word == "accept" => Ok(Step::Accept),
        None if word == "hang" => Ok(Step::Hang),
        None if word == "down" => {
            Ok(Step::Trouble(trouble(TroubleKind::Unreachable, Phase::Connect, "down, as its script says")))
        }
        None if word == "lost" => {
            Ok(Step::Lost(trouble(TroubleKind::Lost, Phase::End, "lost, as its script says")))
        }
        Some(("refuse", code)) => {
            let code = code.parse().ok().filter(|code| (400..600).contains(code));
            let code: u16 = code.ok_or_else(|| format!("{word:?} has no code from 400 to 599; {FORM}"))?;
            Ok(Step::Refuse(Reply::new(code, format!("{}.0.0 refused, as its script says", code / 100))))
        }
        _ => Err(format!("{word:?} is no step; {FORM}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_read() {
        let steps = |text: &str| {
            let script = DummyScript::parse(text).unwrap();
            let words = script.steps.iter().map(|step| match step {
                Step::Accept => "accept".to_owned(),
                Step::Refuse(reply) => reply.code.to_string(),
                Step::Trouble(t) | Step::Lost(t) => format!("{:?} {:?}", t.kind, t.phase),
                Step::Hang => "hang".to_owned(),
            });
            (words.collect::<Vec<_>>().join(", "), script.repeat)
        };
        assert_eq!(steps(""), (String::new(), false));
        assert_eq!(
            steps("script=accept,refuse:452,refuse:550,down,lost,hang"),
            ("accept, 452, 550, Unreachable Connect, Lost End, hang".into(), false)
        );
        assert_eq!(steps("repeat=yes&script=accept"), ("accept".into(), true));
    }

    #[test]
    fn what_is_no_script_is_told_what_may_be_written() {
        for text in [
            "script=",
            "script=reject",
            "script=refuse",
            "script=refuse:250",
            "script=refuse:x",
            "repeat=yes",
        ] {
            let told = DummyScript::parse(text).expect_err(text);
            assert!(told.contains("accept, refuse:CODE"), "{told}");
        }
        for text in ["steps=accept", "script", "script=accept&repeat=maybe"] {
            assert!(DummyScript::parse(text).expect_err(text).contains("is not known here"), "{text}");
        }
    }
}

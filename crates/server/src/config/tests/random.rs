//! Settings files at random, made from those in `tests/apps`: nothing panics, and what loads is imported and
//! adopted and sends as before.

use super::*;
use crate::config::adopt::{Refused, Wishes, adopt_text};
use crate::config::import::import_text;

/// What is put in: the signs of the dialect, and words that turn one meaning into another.
const PIECES: [&str; 32] = [
    "`",
    "\"",
    "'",
    "\"\"\"",
    "#",
    ";",
    "=",
    ":",
    "\\",
    "\n",
    "\r\n",
    "[",
    "]",
    "%(USER)s",
    "%(A)s",
    "%(",
    " ",
    ",",
    "\\,",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "ä",
    "true",
    "[mailer]\n",
    "[postrider.relay]\n",
    "[DEFAULT]\n",
    "PASSWD = ",
    "USER = x\n",
    "FROM =\n",
    "SMTP_PORT = 0\n",
    "[postrider.relay.b]\nURL = dummy://\n",
];

/// Files made from each. With 4,000 this ran clean for 190,000 files.
const ROUNDS: usize = 40;

/// xorshift64*
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % most.max(1)
    }
}

fn changed(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=dice.below(2) {
        let at = dice.below(text.len() + 1);
        let to = (at + dice.below(12)).min(text.len());
        match dice.below(5) {
            0 => drop(text.drain(at..to)),
            1 => {
                let copy = text[at..to].to_vec();
                let place = dice.below(text.len() + 1);
                text.splice(place..place, copy);
            }
            2 if at < text.len() => text[at] = dice.below(256) as u8,
            _ => drop(text.splice(at..at, PIECES[dice.below(PIECES.len())].bytes())),
        }
    }
    text
}

fn relays(outcome: Outcome) -> Vec<Relay> {
    let relays = settings(outcome).relays;
    relays.into_iter().map(|relay| Relay { key: (String::new(), ""), ..relay }).collect()
}

/// Whether it loaded.
fn check(text: &[u8], folder: &Path) -> bool {
    let path = Path::new("app.ini");
    let outcome = gitea(text, path, folder.into(), &around());
    let imported = import_text(text, path, folder, &around());
    let wishes = Wishes { listen: ([127, 0, 0, 1], 2525).into(), data_dir: None };
    let adopted = adopt_text(text, path, folder.into(), &around(), &wishes);
    let said = String::from_utf8_lossy(text);
    if outcome.settings.is_none() {
        assert!(!outcome.findings.mistakes.is_empty(), "refused without a word: {said}");
        assert!(matches!(adopted, Err(Refused::Mistakes(_))), "{said}");
        return false;
    }
    let old = relays(outcome);
    let new = read(imported.text.as_bytes(), Path::new("p.toml"), folder.into(), &around());
    assert_eq!(relays(new), old, "{said}\nimported as\n{}", imported.text);
    match adopted {
        Err(Refused::Door(_)) | Ok(Adopted { text: None, .. }) => {}
        Ok(Adopted { text: Some(text), .. }) => {
            let again = adopt_text(text.as_bytes(), path, folder.into(), &around(), &wishes);
            let again = again.unwrap_or_else(|refused| panic!("{said}\nadopted as\n{text}: {refused}"));
            assert_eq!(again.text, None, "{said}\nadopted as\n{text}");
        }
        Err(refused) => panic!("{said}\n{refused}"),
    }
    true
}

#[test]
fn files_at_random() {
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps");
    let mut files: Vec<_> =
        std::fs::read_dir(&apps).expect("the folder").map(|e| e.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "ini"));
    files.sort();
    let (mut dice, mut loaded) = (Dice(0x9E37_79B9_7F4A_7C15), 0);
    for path in files {
        let text = std::fs::read(&path).expect("the file");
        for _ in 0..ROUNDS {
            loaded += usize::from(check(&changed(&text, &mut dice), &apps));
        }
    }
    assert!(loaded > 200, "hardly any loads: {loaded}");
}

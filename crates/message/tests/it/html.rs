//! Pages to text: every word that is shown, once and in its order, and no other.

use crate::pages;
use postrider_message::html_to_text;

#[test]
fn what_is_shown_is_read_in_its_order() {
    for seed in 0..2000 {
        let page = pages::page(seed, true);
        let text = html_to_text(&page.html);
        assert_eq!(pages::words_of(&unlinked(&text)), page.shown, "seed {seed}\n{}\n{text}", page.html);
        assert!(!text.contains("\n\n\n"), "seed {seed}: two empty lines\n{text}");
        let blank = text.lines().find(|line| line.ends_with(' '));
        assert_eq!(blank, None, "seed {seed}: a blank at a line's end");
    }
}

/// Without the addresses behind links, whose text is a word of the page.
fn unlinked(text: &str) -> String {
    text.split("https://x.example/").collect::<Vec<_>>().join(" ")
}

#[test]
fn prose_stays_within_78_columns() {
    for seed in 0..2000 {
        let page = pages::page(seed, true);
        if page.html.contains("<table>") {
            continue;
        }
        let text = html_to_text(&page.html);
        // A prefix of deep nesting leaves 20 columns for words; a word alone may be longer.
        let long =
            text.lines().find(|line| line.len() > 78 && line.trim_start_matches([' ', '>']).len() > 45);
        assert_eq!(long, None, "seed {seed}");
    }
}

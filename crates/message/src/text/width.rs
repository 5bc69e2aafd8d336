//! Columns of a character, and where a word without blanks may be broken.

/// Columns of a text in a fixed-width font.
pub(super) fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(width).sum() }
}

/// 0 for marks that join the character before, 2 for East Asian wide ones and emoji, else 1.
fn width(c: char) -> usize {
    match c {
        '\0'..='\u{2ff}' => 1,
        '\u{3041}'..='\u{3098}' | '\u{309b}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{302a}'..='\u{302d}'
        | '\u{3099}'..='\u{309a}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{feff}'
        | '\u{e0100}'..='\u{e01ef}' => 0,
        _ if is_wide(c) => 2,
        _ => 1,
    }
}

/// East Asian Width W and F, with the emoji that are shown so.
fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}'
        | '\u{231a}'..='\u{231b}'
        | '\u{2614}'..='\u{2615}'
        | '\u{2705}'
        | '\u{274c}'
        | '\u{2753}'..='\u{2757}'
        | '\u{2b50}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{1fa70}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}')
}

/// Characters that never begin a line: closing marks, small kana, marks of length (JIS X 4051).
const NEVER_FIRST: &str = "、。，．：；？！）］｝〉》」』】〕〗〙〛’”ー々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ・…‥゛゜,.:;!?)]}";
/// Characters that never end a line: opening marks.
const NEVER_LAST: &str = "（［｛〈《「『【〔〖〘〚‘“([{";

/// Whether the two may not be parted.
fn is_held(before: char, c: char) -> bool {
    let is_kanji = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    !is_kanji(c) && NEVER_FIRST.contains(c) || !is_kanji(before) && NEVER_LAST.contains(before)
}

/// The longest start of a word that must stay on one line, the rest, and the start's columns. ASCII
/// words stay whole; beside a wide character a line may end.
pub(super) fn piece(word: &str) -> (&str, &str, usize) {
    if word.is_ascii() {
        return (word, "", word.len());
    }
    let mut used = 0;
    let mut before: Option<char> = None;
    let mut joined = false;
    for (at, c) in word.char_indices() {
        let wide = width(c);
        if let Some(before) = before {
            let beside = width(before) == 2 || wide == 2;
            // Hangul is written with blanks between its words, and breaks there.
            let hangul = is_hangul(before) && is_hangul(c);
            let held = is_held(before, c) || joined || hangul;
            if beside && !held && wide > 0 {
                let (piece, rest) = word.split_at(at);
                return (piece, rest, used);
            }
        }
        used += wide;
        if wide > 0 {
            before = Some(c);
        }
        // A zero-width joiner makes one sign of two.
        joined = c == '\u{200d}';
    }
    (word, "", used)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_scripts() {
        let check = |text: &str, want: usize| assert_eq!(columns(text), want, "{text}");
        check("abc", 3);
        check("äé", 2);
        check("e\u{301}", 1);
        check("山田", 4);
        check("한글", 4);
        check("ｱ", 1);
        check("Ａ", 2);
        check("😀", 2);
    }

    #[test]
    fn pieces_of_a_word() {
        let check = |word: &str, want: &[&str]| {
            let (mut rest, mut pieces) = (word, Vec::new());
            while !rest.is_empty() {
                let (piece, tail, used) = piece(rest);
                assert_eq!(used, columns(piece), "{piece}");
                pieces.push(piece);
                rest = tail;
            }
            assert_eq!(pieces, want);
        };
        check("plain-word", &["plain-word"]);
        check("größer", &["größer"]);
        check("山田さん", &["山", "田", "さ", "ん"]);
        check("「山」。", &["「山」。"]);
        check("「山」田ッ", &["「山」", "田ッ"]);
        check("Rustの本", &["Rust", "の", "本"]);
        check("한글은", &["한글은"]);
        check("か\u{3099}き", &["か\u{3099}", "き"]);
        check("👩\u{200d}👧", &["👩\u{200d}👧"]);
    }
}

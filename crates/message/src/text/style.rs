//! Which elements a reader of the HTML would not see.

/// What a `style` attribute says about visibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing.
    Unsaid,
    /// The element and all in it are hidden.
    Hidden,
    /// The font has no size: text is hidden until an inner element gives it one again.
    NoSize,
    /// The font has a size.
    Sized,
}

pub(super) fn read(style: &str) -> Seen {
    let mut seen = Seen::Unsaid;
    for declaration in style.split(';') {
        let Some((name, value)) = declaration.split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        let starts =
            |word: &str| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if is("display") && starts("none")
            || is("visibility") && starts("hidden")
            || is("mso-hide") && starts("all")
            || (is("opacity") || is("max-height")) && is_zero(value)
        {
            return Seen::Hidden;
        }
        if is("font-size") {
            seen = if is_zero(value) { Seen::NoSize } else { Seen::Sized };
        }
    }
    seen
}

fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    !number.is_empty() && number.bytes().all(|b| b == b'0' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        let check = |style: &str, want: Seen| assert_eq!(read(style), want, "{style:?}");
        check("display:none;max-height:0", Seen::Hidden);
        check("color:red; DISPLAY : None !important", Seen::Hidden);
        check("visibility:hidden", Seen::Hidden);
        check("mso-hide:all", Seen::Hidden);
        check("opacity:0.0", Seen::Hidden);
        check("opacity:0.5", Seen::Unsaid);
        check("max-height:0px", Seen::Hidden);
        check("max-height:100px", Seen::Unsaid);
        check("font-size:0", Seen::NoSize);
        check("font-size:13px", Seen::Sized);
        check("font-size:0.9em", Seen::Sized);
        check("display", Seen::Unsaid);
    }
}

//! Kinds of elements by name.

/// Elements without an end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "br" | "hr"
            | "img"
            | "input"
            | "meta"
            | "link"
            | "area"
            | "base"
            | "col"
            | "embed"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements whose content is not read.
pub(super) fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "style" | "script" | "title" | "template" | "noframes" | "iframe" | "object" | "svg" | "select"
    )
}

/// Elements that begin and end a line.
pub(super) fn is_line(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "aside"
            | "address"
            | "center"
            | "form"
            | "dt"
            | "dd"
            | "caption"
            | "figcaption"
            | "details"
            | "summary"
            | "tbody"
            | "thead"
            | "tfoot"
            | "option"
    )
}

/// Elements with an empty line before and behind.
pub(super) fn is_paragraph(name: &str) -> bool {
    matches!(name, "p" | "h3" | "h4" | "h5" | "h6" | "dl" | "figure" | "fieldset")
}

/// Start tags that end an open paragraph (HTML 13.1.2.4).
pub(super) fn ends_paragraph(name: &str) -> bool {
    matches!(name, "p" | "div" | "table" | "ul" | "ol" | "pre" | "blockquote" | "h1" | "h2" | "h3")
        || is_line(name)
}

//! The event, and the templates that all contenders fill.

use serde::Serialize;

#[derive(Serialize)]
pub struct Event {
    pub repository: String,
    pub number: u32,
    pub title: String,
    pub url: String,
    pub state: String,
    pub labels: Vec<String>,
    pub comments: Vec<Comment>,
}

#[derive(Serialize)]
pub struct Comment {
    pub author: String,
    pub at: String,
    pub quote: Option<String>,
    pub paragraphs: Vec<String>,
    pub url: String,
}

/// The mail's id with ours; the first of `FILES`.
pub const MAIL: &str = "issue/comments";

/// Name and text. What stands in them means the same to the engine below ours.
pub const FILES: [(&str, &str); 3] = [
    (
        "issue/comments.html",
        r#"[{{ repository }}] {{ title }} (#{{ number }})
---
{% extends "_layouts/mail.html" %}
{% block body %}
<h2 style="font-size:20px;margin:0 0 16px">{{ title }} <span style="color:#59636e">#{{ number }}</span></h2>
<p style="margin:0 0 12px;line-height:1.5">{{ comments|length }} new comments, {{ state }}{% if labels %}; labels:
{% for label in labels %}<b style="background:#ddf4ff;border-radius:9px;padding:2px 8px">{{ label|upper }}</b>{% if not loop.last %}, {% endif %}{% endfor %}{% endif %}.</p>
{% for comment in comments %}
{% include "partials/comment.html" %}
{% endfor %}
<p style="margin:24px 0"><a href="{{ url }}" style="background:#1f883d;color:#ffffff;padding:10px 16px;border-radius:6px">View it on the forge</a></p>
{% endblock %}
"#,
    ),
    (
        "partials/comment.html",
        r#"<p style="margin:0 0 12px;line-height:1.5"><a href="{{ comment.url }}" style="color:#0969da"><b>{{ comment.author }}</b></a> on {{ comment.at }}, {{ loop.index }} of {{ loop.length }}:</p>
{% if comment.quote %}
<blockquote style="border-left:4px solid #d0d7de;margin:0 0 12px;padding:0 12px"><p>{{ comment.quote }}</p></blockquote>
{% endif %}
{% for paragraph in comment.paragraphs %}
<p style="margin:0 0 12px;line-height:1.5">{{ paragraph }}</p>
{% endfor %}
"#,
    ),
    (
        "_layouts/mail.html",
        r#"<!DOCTYPE html>
<html lang="{{ lang }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ subject }}</title>
<style>@media (prefers-color-scheme: dark){.page{background:#0d1117 !important;color:#e6edf3 !important}}</style>
</head>
<body style="margin:0;padding:0;background:#f6f8fa">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="600" style="max-width:600px;background:#ffffff"><tr><td class="page" style="padding:24px;font-family:sans-serif;font-size:14px">
{% block body %}{% endblock %}
<hr>
<p style="font-size:12px;color:#59636e">You get this because you watch {{ repository }}.
<a href="https://forge.example/settings/notifications">Change what you are told</a></p>
</td></tr></table>
</td></tr></table>
</body>
</html>
"#,
    ),
];

pub fn event() -> Event {
    let comment = |at: usize| {
        Comment {
        author: ["Jane Doe", "Ada O'Hara", "Jürgen Müller"][at % 3].into(),
        at: format!("{} November 2026", 20 + at),
        quote: (at % 2 == 1).then(|| "Is the second revision of the drawing \"final\"?".into()),
        paragraphs: vec![
            "The gadget does not fit into the drawer once the widget was cloned twice; measured by hand it is \
             about four millimetres too wide, & the drawing says <the same>."
                .into(),
            format!("Figures are in revision {at}/b, written down before anybody cuts the metal."),
        ],
        url: format!("https://forge.example/widgets/clone/issues/4711?page=1&x=2#comment-{at}"),
    }
    };
    Event {
        repository: "widgets/clone".into(),
        number: 4711,
        title: "Gadget is too wide for Jane's drawer & shelf".into(),
        url: "https://forge.example/widgets/clone/issues/4711".into(),
        state: "open".into(),
        labels: vec!["bug".into(), "metal work".into(), "help wanted".into()],
        comments: (0..6).map(comment).collect(),
    }
}

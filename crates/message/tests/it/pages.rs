//! Random pages of numbered words: which a reader sees, in their order.

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// A page while it grows.
pub(crate) struct Page {
    random: Random,
    /// Whether parts are hidden by styles, attributes and silent elements.
    hides: bool,
    pub(crate) html: String,
    /// The words that are shown, as numbers, in their order.
    pub(crate) shown: Vec<usize>,
    count: usize,
}

/// A page from a seed.
pub(crate) fn page(seed: u64, hides: bool) -> Page {
    let mut page = Page { random: Random(seed), hides, html: String::new(), shown: Vec::new(), count: 0 };
    page.html.push_str("<!DOCTYPE html><html><head><title>t</title><style>p > a {}</style></head><body>");
    for _ in 0..1 + page.random.below(8) {
        page.block(0, true);
    }
    page.html.push_str("</body></html>\n");
    page
}

/// The numbers of the words `wN` in a text.
pub(crate) fn words_of(text: &str) -> Vec<usize> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.strip_prefix('w').and_then(|number| number.parse().ok()))
        .collect()
}

impl Page {
    fn words(&mut self, shown: bool) {
        for _ in 0..1 + self.random.below(24) {
            self.count += 1;
            if shown {
                self.shown.push(self.count);
            }
            let word = format!("w{}", self.count);
            match self.random.below(12) {
                0 => self.html.push_str(&format!("<b>{word}</b>")),
                1 => self.html.push_str(&format!("<a href='https://x.example/{}'>{word}</a>", self.count)),
                2 => self.html.push_str(&format!("{word}<br>")),
                3 => self.html.push_str(&format!("&lt;{word}&gt;&amp;")),
                4 => self.html.push_str(&format!("<!-- c -->{word}")),
                5 => self.html.push_str(&format!("({word}),")),
                _ => self.html.push_str(&word),
            }
            self.html.push_str([" ", "\n", "\n  ", "&nbsp;"][self.random.below(4)]);
        }
    }

    fn wrap(&mut self, open: &str, close: &str, depth: usize, shown: bool) {
        self.html.push_str(open);
        self.inside(depth, shown);
        self.html.push_str(close);
    }

    fn inside(&mut self, depth: usize, shown: bool) {
        if depth > 4 || self.random.below(3) == 0 {
            return self.words(shown);
        }
        for _ in 0..1 + self.random.below(3) {
            self.block(depth + 1, shown);
        }
    }

    fn block(&mut self, depth: usize, shown: bool) {
        match self.random.below(if self.hides { 13 } else { 9 }) {
            0 => {
                self.html.push_str("<p>");
                self.words(shown);
                self.html.push_str(["</p>", ""][self.random.below(2)]);
            }
            1 => self.wrap("<div style=\"color:red\">", "</div>", depth, shown),
            2 => self.wrap("<blockquote>", "</blockquote>", depth, shown),
            3 | 4 => self.list(depth, shown),
            5 => self.table(depth, shown),
            6 => {
                let level = 1 + self.random.below(4);
                self.html.push_str(&format!("<h{level}>"));
                self.words(shown);
                self.html.push_str(&format!("</h{level}>"));
            }
            7 => self.wrap("<section><div>", "</div></section>", depth, shown),
            8 => self.words(shown),
            9 => self.wrap("<div style='display:none'>", "</div>", depth, false),
            10 => self.wrap("<section hidden>", "</section>", depth, false),
            11 => self.html.push_str("<script>if (a < b) w1</script><style>w2</style>"),
            _ => self.wrap("<span style=\"visibility: hidden\">", "</span>", 9, false),
        }
    }

    fn list(&mut self, depth: usize, shown: bool) {
        let name = ["ul", "ol", "ol start=7"][self.random.below(3)];
        self.html.push_str(&format!("<{name}>"));
        for _ in 0..1 + self.random.below(3) {
            let close = ["</li>", "\n"][self.random.below(2)];
            self.wrap("<li>", close, depth + 1, shown);
        }
        self.html.push_str(&format!("</{}>", name.split(' ').next().unwrap_or_default()));
    }

    fn table(&mut self, depth: usize, shown: bool) {
        self.html.push_str("<table>");
        for _ in 0..1 + self.random.below(3) {
            self.html.push_str("<tr>");
            for _ in 0..1 + self.random.below(3) {
                let close = ["</td>", ""][self.random.below(2)];
                self.wrap("<td>", close, depth + 2, shown);
            }
            self.html.push_str("</tr>");
        }
        self.html.push_str("</table>");
    }
}

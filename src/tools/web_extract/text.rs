//! A page of HTML as text: title, headings, paragraphs, lists, tables, links as `text (url)`, code. A reader
//! of our own: it goes over the page once, builds no tree and keeps no stack of tags, so that a hostile page
//! costs no more than a friendly one of its length; crates that do this build a tree first. Pure.

use ureq::http::Uri;

use super::entity;
use super::tokens::{Token, Tokens, attribute};
use super::url;

/// Longest text of a page, in bytes. Links make a text longer than its page.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// Longest title, and longest address of a link, in characters and bytes; beyond it a link is only its text.
const TITLE_CHARS_MAX: usize = 300;
const LINK_BYTES_MAX: usize = 500;

/// Lists inside one another that are still told apart.
const LISTS_MAX: usize = 8;

/// The least text of a `<main>` that is taken for the whole page, in bytes: some pages leave it empty.
const MAIN_BYTES_MIN: usize = 200;

/// Elements that are left out with all that is in them.
const SKIPPED: &[&str] = &[
    "audio", "canvas", "iframe", "math", "noembed", "noframes", "object", "script", "select", "style", "svg",
    "template", "textarea", "video",
];

/// Elements before and after which a line ends, with an empty line between.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "header",
    "main",
    "nav",
    "p",
    "section",
    "table",
];

/// Elements before and after which a line ends.
const LINES: &[&str] =
    &["body", "caption", "dd", "div", "dt", "figcaption", "head", "html", "option", "summary", "tbody", "tr"];

/// A page to be read.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Page {
    /// One line, perhaps empty.
    pub(super) title: String,
    pub(super) text: String,
    /// The page has more text than is kept.
    pub(super) is_cut: bool,
}

/// Reads a page that was found at `url`.
pub(super) fn read(html: &str, url: &Uri) -> Page {
    let mut reader = Reader::new(url);
    let mut is_cut = false;
    for token in Tokens::new(html) {
        match token {
            Token::Text(text) => reader.text(text),
            Token::Open { name, attributes } => reader.open(&name.to_ascii_lowercase(), attributes),
            Token::Close(name) => reader.close(&name.to_ascii_lowercase()),
        }
        if reader.out.len() > TEXT_BYTES_MAX {
            is_cut = true;
            break;
        }
    }
    reader.finish(is_cut)
}

/// What stands between what was written and what comes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Gap {
    Nothing,
    Space,
    Cell,
    Line,
    Empty,
}

/// A link that is open.
struct Link {
    url: String,
    /// Where its text begins.
    from: usize,
}

struct Reader {
    base: Uri,
    out: String,
    /// Written before the next character, so that nothing ends in blanks.
    gap: Gap,
    /// What the next line begins with: the sign of a heading or of a list's item.
    lead: String,
    /// The open lists: numbers count their items.
    lists: Vec<Option<u32>>,
    /// Lists inside those.
    more_lists: usize,
    link: Option<Link>,
    /// `<pre>` inside one another.
    pre: usize,
    /// The element that is left out, and how often it is open.
    skipped: Option<(String, usize)>,
    title: String,
    in_title: bool,
    /// Cells of this row so far.
    cells: usize,
    /// Where `<main>` begins and ends in the text.
    main: (Option<usize>, Option<usize>),
}

impl Reader {
    fn new(url: &Uri) -> Self {
        Self {
            base: url.clone(),
            out: String::new(),
            gap: Gap::Nothing,
            lead: String::new(),
            lists: Vec::new(),
            more_lists: 0,
            link: None,
            pre: 0,
            skipped: None,
            title: String::new(),
            in_title: false,
            cells: 0,
            main: (None, None),
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped.is_some() {
            return;
        }
        let text = entity::decode(text);
        if self.in_title {
            self.title.push_str(&text);
        } else if self.pre > 0 {
            self.fill();
            self.out.extend(text.chars().filter(|c| *c != '\r'));
        } else {
            self.words(&text);
        }
    }

    /// Text in which blanks only separate words.
    fn words(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.gap = self.gap.max(Gap::Space);
            } else {
                self.fill();
                self.out.push(c);
            }
        }
    }

    /// Writes what has to stand before the next character.
    fn fill(&mut self) {
        let gap = std::mem::replace(&mut self.gap, Gap::Nothing);
        if !self.out.is_empty() {
            self.out.push_str(match gap {
                Gap::Nothing => "",
                Gap::Space => " ",
                Gap::Cell => " | ",
                Gap::Line => "\n",
                Gap::Empty => "\n\n",
            });
        }
        self.out.push_str(&self.lead);
        self.lead.clear();
    }

    fn end_line(&mut self, gap: Gap) {
        if self.pre == 0 {
            self.gap = self.gap.max(gap);
        } else if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn open(&mut self, name: &str, attributes: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped.as_str() == name && !attributes.ends_with('/') {
                *depth += 1;
            }
            return;
        }
        match name {
            "title" if self.title.is_empty() => self.in_title = true,
            "base" => self.rebase(attributes),
            "a" => self.open_link(attributes),
            "br" if self.gap == Gap::Line => self.end_line(Gap::Empty),
            "br" => self.end_line(Gap::Line),
            "hr" => {
                self.end_line(Gap::Empty);
                self.words("---");
                self.end_line(Gap::Empty);
            }
            "img" => self.image(attributes),
            "ul" | "ol" => self.open_list(name == "ol"),
            "li" => self.item(),
            "pre" => self.open_code(),
            "code" if self.pre == 0 => {
                self.fill();
                self.out.push('`');
            }
            "td" | "th" => {
                if self.cells > 0 {
                    self.gap = self.gap.max(Gap::Cell);
                }
                self.cells += 1;
            }
            // Only these can be empty; a slash at the end of other tags means nothing.
            "math" | "svg" if attributes.ends_with('/') => {}
            // A second title is no part of the text either.
            _ if name == "title" || SKIPPED.contains(&name) => self.skipped = Some((name.to_owned(), 1)),
            _ => self.open_block(name),
        }
    }

    fn open_block(&mut self, name: &str) {
        if let Some(level) = heading(name) {
            self.end_line(Gap::Empty);
            if self.pre == 0 {
                self.lead = format!("{} ", "#".repeat(level));
            }
            return;
        }
        self.around(name);
        match name {
            "tr" => self.cells = 0,
            "main" if self.main.0.is_none() => self.main.0 = Some(self.out.len()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            if skipped.as_str() == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipped = None;
                }
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "a" => self.close_link(),
            "ul" | "ol" => self.close_list(),
            "li" => self.end_line(Gap::Line),
            "pre" => self.close_code(),
            "code" if self.pre == 0 => self.out.push('`'),
            "main" => {
                self.main.1 = self.main.1.or(self.main.0.map(|_| self.out.len()));
                self.end_line(Gap::Empty);
            }
            _ if heading(name).is_some() => {
                self.lead.clear();
                self.end_line(Gap::Empty);
            }
            _ => self.around(name),
        }
    }

    /// The ends of lines before and after an element.
    fn around(&mut self, name: &str) {
        if BLOCKS.contains(&name) {
            self.end_line(Gap::Empty);
        } else if LINES.contains(&name) {
            self.end_line(Gap::Line);
        }
    }

    /// References are meant from here on as if they stood there.
    fn rebase(&mut self, attributes: &str) {
        let base =
            attribute(attributes, "href").and_then(|href| url::join(&self.base, &entity::decode(href)));
        if let Some(base) = base.filter(|base| url::check(base).is_ok()) {
            self.base = base;
        }
    }

    fn open_link(&mut self, attributes: &str) {
        self.close_link();
        let Some(href) = attribute(attributes, "href").filter(|href| !href.trim_start().starts_with('#'))
        else {
            return;
        };
        let target = url::join(&self.base, &entity::decode(href)).filter(|target| url::check(target).is_ok());
        let Some(target) = target.map(|target| target.to_string()) else { return };
        if target.len() <= LINK_BYTES_MAX {
            self.link = Some(Link { url: target, from: self.out.len() });
        }
    }

    fn close_link(&mut self) {
        let Some(Link { url, from }) = self.link.take() else { return };
        let text = self.out.get(from..).unwrap_or_default().trim();
        // In code an address would be part of it.
        if self.pre == 0 && !text.is_empty() && text != url {
            self.out.push_str(&format!(" ({url})"));
        }
    }

    fn image(&mut self, attributes: &str) {
        let text = entity::decode(attribute(attributes, "alt").unwrap_or_default()).into_owned();
        if !text.trim().is_empty() && self.pre == 0 {
            self.words(&format!("[image: {}]", text.trim()));
        }
    }

    fn open_list(&mut self, is_numbered: bool) {
        self.end_line(if self.lists.is_empty() { Gap::Empty } else { Gap::Line });
        if self.lists.len() == LISTS_MAX {
            self.more_lists += 1;
        } else {
            self.lists.push(is_numbered.then_some(0));
        }
    }

    fn close_list(&mut self) {
        self.lead.clear();
        if self.more_lists > 0 {
            self.more_lists -= 1;
        } else {
            self.lists.pop();
        }
        self.end_line(if self.lists.is_empty() { Gap::Empty } else { Gap::Line });
    }

    fn item(&mut self) {
        self.end_line(Gap::Line);
        if self.pre > 0 {
            return;
        }
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.lead = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{indent}{number}. ")
            }
            _ => format!("{indent}- "),
        };
    }

    fn open_code(&mut self) {
        if self.pre == 0 {
            self.end_line(Gap::Empty);
            self.fill();
            self.out.push_str("```\n");
        }
        self.pre += 1;
    }

    fn close_code(&mut self) {
        if self.pre == 1 {
            self.end_line(Gap::Line);
            self.out.push_str("```");
        }
        self.pre = self.pre.saturating_sub(1);
        self.end_line(Gap::Empty);
    }

    fn finish(mut self, is_cut: bool) -> Page {
        self.close_link();
        if self.pre > 0 {
            self.pre = 1;
            self.close_code();
        }
        let main = self.main.0.and_then(|from| self.out.get(from..self.main.1.unwrap_or(self.out.len())));
        let text = match main.map(str::trim) {
            Some(main) if main.len() >= MAIN_BYTES_MIN => main.to_owned(),
            _ => self.out.trim().to_owned(),
        };
        let words: Vec<&str> = self.title.split_whitespace().collect();
        let title = words.join(" ").chars().take(TITLE_CHARS_MAX).collect();
        Page { title, text, is_cut }
    }
}

/// The level of a heading.
fn heading(name: &str) -> Option<usize> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(usize::from(level - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        read(html, &"https://example.org/a/b".parse().unwrap()).text
    }

    #[test]
    fn pages_are_read_as_people_see_them() {
        for (html, want) in [
            ("", ""),
            ("a  b\n c", "a b c"),
            ("<p>one<p>two</p>three", "one\n\ntwo\n\nthree"),
            ("<div>a</div><div>b</div>c", "a\nb\nc"),
            ("a<br>b<br><br>c", "a\nb\n\nc"),
            ("<h1> Title </h1>x<h3><a href=/c>T</a></h3>", "# Title\n\nx\n\n### T (https://example.org/c)"),
            ("<ul><li>a<li><p>b</p><ul><li>c</ul><li></li></ul>d", "- a\n\n- b\n\n  - c\n\nd"),
            ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
            ("<b>x</b><i>y</i> z", "xy z"),
            ("<p>a <code>b c</code>, d", "a `b c`, d"),
            ("<pre>\n a &lt;\r\n  <b>b</b>\n</pre>c", "```\n\n a <\n  b\n```\n\nc"),
            ("<pre><div>a</div><div>b</div>", "```\na\nb\n```"),
            ("<table><tr><th>a<th>b<tr><td>1</td><td>2</td></table>", "a | b\n1 | 2"),
            ("a<script>x<p></script><style>y</style><svg><g/>z</svg>b", "ab"),
            ("<svg/>a<template>b<template>c</template>d</template>e", "ae"),
            ("<img alt='A &amp; B' src=x><img alt=''>", "[image: A & B]"),
            ("&nbsp;a&nbsp;&mdash; b&#x2019;s", "a — b’s"),
            ("a<hr>b", "a\n\n---\n\nb"),
        ] {
            assert_eq!(text(html), want, "{html}");
        }
    }

    #[test]
    fn links_carry_their_address() {
        for (html, want) in [
            ("<a href='c?x=1&amp;y=2#z'>t </a>u", "t (https://example.org/a/c?x=1&y=2) u"),
            ("<a href=https://x.org/>https://x.org/</a>", "https://x.org/"),
            ("<a href=#x>t</a> <a href='javascript:x'>u</a> <a>v</a> <a href=/w></a>", "t u v"),
            ("<a href=/1>a<a href=/2>b", "a (https://example.org/1)b (https://example.org/2)"),
            ("<base href='https://x.org/d/'><a href=e>t</a>", "t (https://x.org/d/e)"),
            ("<pre><a href=/c>t</a></pre>", "```\nt\n```"),
        ] {
            assert_eq!(text(html), want, "{html}");
        }
        let long = format!("<a href='/{}'>t</a>", "x".repeat(LINK_BYTES_MAX));
        assert_eq!(text(&long), "t");
    }

    #[test]
    fn the_title_is_one_line_and_no_part_of_the_text() {
        let page = read("<title>A\n &amp; <b>B</title>x<title>C</title>", &"http://x/".parse().unwrap());
        assert_eq!((page.title.as_str(), page.text.as_str()), ("A & <b>B", "x"));
    }

    #[test]
    fn the_main_part_stands_for_the_page_when_it_is_one() {
        let main = "word ".repeat(60);
        assert_eq!(text(&format!("<nav>menu</nav><main><p>{main}</main><footer>end")), main.trim());
        assert_eq!(text("<nav>menu</nav><main>short</main>"), "menu\n\nshort");
    }

    #[test]
    fn hostile_nesting_costs_nothing() {
        for piece in ["<div>", "<ul><li>", "<ol>", "<pre>", "<b>", "<a href=x>", "<table><tr><td>", "<svg>"] {
            let html = format!("{}deep", piece.repeat(100_000));
            let page = read(&html, &"http://x/".parse().unwrap());
            assert!(page.text.len() < 100, "{piece}");
            assert_eq!(page.text.contains("deep"), piece != "<svg>", "{piece}");
        }
        let html = "</ul></pre></main></svg></a>".repeat(100_000);
        assert_eq!(text(&html), "");
    }

    #[test]
    fn a_text_that_links_make_long_is_cut() {
        let html = format!("<base href=/{}/><p>", "x".repeat(400)) + &"<a href=y>z</a>".repeat(30_000);
        let page = read(&html, &"http://x/".parse().unwrap());
        assert!(page.is_cut && page.text.len() <= TEXT_BYTES_MAX + 2 * LINK_BYTES_MAX);
    }
}

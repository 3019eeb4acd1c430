//! Markdown into lines with looks. Knows the parser's events; where lines break and how tables stand is told
//! elsewhere.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::clean::{clean, is_hidden};
use super::flow::{Piece, wrap};
use super::paper::{DEPTH_MAX, Paper, Within};
use super::style::{BOLD, CYAN, DIM, ITALIC, PLAIN, STRUCK, Style, UNDERLINE};
use super::table::Table;
use super::width;
use super::{MARKERS_MAX, RENDERED_BYTES_MAX};

/// Columns of a rule at most.
const RULE_MAX: usize = 60;

/// In front of each line of code.
const CODE_INDENT: &str = "  ";

/// What a tab of code is shown as: terminals stop elsewhere behind an indent.
const TAB: &str = "    ";

/// `None` if there is nothing to show, or too much.
pub(super) fn render(text: &str, cols: usize) -> Option<String> {
    let text = clean(text);
    if text.lines().any(|line| markers(line) > MARKERS_MAX) {
        return None;
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::new(cols);
    for event in Parser::new_ext(&text, options) {
        page.event(event);
        if page.paper.out.len() > RENDERED_BYTES_MAX {
            return None;
        }
    }
    page.flush();
    let out = page.paper.out.trim_end();
    (!out.is_empty() && out.len() <= RENDERED_BYTES_MAX).then(|| out.to_owned())
}

/// The quotes and list items that may begin at the head of a line; a rule of dashes looks like some.
fn markers(line: &str) -> usize {
    let (mut count, mut rest) = (0, line.as_bytes());
    loop {
        rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let after = match rest.get(digits..) {
            Some([b'>', after @ ..]) if digits == 0 => after,
            Some([b'-' | b'+' | b'*', after @ ..]) if digits == 0 && is_blank(after) => after,
            Some([b'.' | b')', after @ ..]) if digits > 0 && is_blank(after) => after,
            _ => return count,
        };
        (count, rest) = (count + 1, after);
    }
}

fn is_blank(rest: &[u8]) -> bool {
    rest.first().is_none_or(u8::is_ascii_whitespace)
}

struct Page {
    paper: Paper,
    /// The next number of each list around the text.
    lists: Vec<Option<u64>>,
    /// Looks around the text, innermost last.
    styles: Vec<Style>,
    /// Text whose lines are not broken yet.
    inline: Vec<Piece>,
    /// Where links that are open began, and where they lead.
    links: Vec<(usize, String)>,
    /// Lines that are kept as they are, and their look.
    verbatim: Option<(String, Style)>,
    table: Option<Table>,
}

impl Page {
    fn new(cols: usize) -> Self {
        Self {
            paper: Paper::new(cols),
            lists: Vec::new(),
            styles: Vec::new(),
            inline: Vec::new(),
            links: Vec::new(),
            verbatim: None,
            table: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text, PLAIN),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text, CYAN),
            Event::FootnoteReference(name) => self.text(&name, PLAIN),
            Event::SoftBreak => self.text(" ", PLAIN),
            Event::HardBreak => self.text("\n", PLAIN),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }, PLAIN),
            Event::Rule => {
                self.flush();
                let mut rule = String::new();
                DIM.paint(&"─".repeat(self.paper.room().min(RULE_MAX)), &mut rule);
                self.paper.line(&rule);
                self.paper.apart = true;
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.look(match level {
                    HeadingLevel::H1 => BOLD.and(UNDERLINE),
                    HeadingLevel::H2 => BOLD,
                    _ => BOLD.and(ITALIC),
                });
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.paper.stand_apart();
                self.paper.within.push(Within::Quote);
            }
            Tag::CodeBlock(_) => self.keep_lines(CYAN),
            Tag::HtmlBlock | Tag::MetadataBlock(_) => self.keep_lines(PLAIN),
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => self.start_item(),
            Tag::Table(sides) => {
                self.flush();
                self.table = Some(Table::new(sides));
            }
            Tag::TableHead | Tag::Strong => self.look(BOLD),
            Tag::Emphasis => self.look(ITALIC),
            Tag::Strikethrough => self.look(STRUCK),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let url = dest_url.chars().filter(|c| !is_hidden(*c) && !c.is_whitespace()).collect();
                self.links.push((self.inline.len(), url));
                self.look(UNDERLINE);
            }
            Tag::Paragraph
            | Tag::TableRow
            | Tag::TableCell
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.styles.pop();
                self.flush();
                self.paper.apart = true;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.paper.within.pop();
                self.paper.apart = true;
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => self.end_lines(),
            TagEnd::List(_) => {
                self.lists.pop();
                self.paper.apart |= self.lists.is_empty();
            }
            TagEnd::Item => self.end_item(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                if let Some(table) = &mut self.table {
                    table.end_cell(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if tag == TagEnd::TableHead {
                    self.styles.pop();
                }
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::Table => self.end_table(),
            TagEnd::Strong | TagEnd::Emphasis | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Paragraph
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => {
                self.flush();
                self.paper.apart = true;
            }
            TagEnd::Superscript | TagEnd::Subscript => {}
        }
    }

    /// A look beside those around it.
    fn look(&mut self, style: Style) {
        let around = self.styles.last().copied().unwrap_or_default();
        self.styles.push(around.and(style));
    }

    fn text(&mut self, text: &str, style: Style) {
        if let Some((lines, _)) = &mut self.verbatim {
            lines.push_str(text);
            return;
        }
        let around = self.styles.last().copied().unwrap_or_default();
        self.inline.extend(Piece::new(text, around.and(style)));
    }

    /// Where it leads stands behind a link, unless that is its text.
    fn end_link(&mut self) {
        self.styles.pop();
        let Some((from, url)) = self.links.pop() else { return };
        let shown = self.inline.get(from..).unwrap_or_default();
        let is_same =
            is_text(shown, &url) || url.strip_prefix("mailto:").is_some_and(|to| is_text(shown, to));
        if url.is_empty() || is_same {
            return;
        }
        let behind = if shown.is_empty() { url } else { format!(" ({url})") };
        self.text(&behind, DIM);
    }

    fn start_item(&mut self) {
        self.flush();
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "• ".to_owned(),
        };
        if self.paper.within.len() < DEPTH_MAX {
            let indent = width::of_text(&marker);
            self.paper.within.push(Within::Item { marker: Some(marker), indent });
        } else {
            self.paper.within.push(Within::Item { marker: None, indent: 0 });
            self.text(&marker, PLAIN);
        }
    }

    fn end_item(&mut self) {
        self.flush();
        if let Some(Within::Item { marker: Some(_), .. }) = self.paper.within.last() {
            self.paper.line("");
        }
        self.paper.within.pop();
    }

    fn keep_lines(&mut self, style: Style) {
        self.flush();
        self.verbatim = Some((String::new(), style));
    }

    fn end_lines(&mut self) {
        let Some((text, style)) = self.verbatim.take() else { return };
        for line in text.trim_end_matches('\n').split('\n') {
            let line: String = line.chars().filter(|c| !is_hidden(*c)).collect();
            let mut out = String::new();
            if !line.is_empty() {
                out.push_str(if style == CYAN { CODE_INDENT } else { "" });
                style.paint(&line.replace('\t', TAB), &mut out);
            }
            self.paper.line(&out);
        }
        self.paper.apart = true;
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let room = self.paper.room();
        for line in table.lines(room, RENDERED_BYTES_MAX) {
            self.paper.line(&line);
        }
        self.paper.apart = true;
    }

    /// Writes the text that waits for its lines to be broken.
    fn flush(&mut self) {
        let pieces = std::mem::take(&mut self.inline);
        for line in wrap(&pieces, self.paper.room()) {
            self.paper.line(&line.text);
        }
    }
}

/// Whether the pieces together are `text`.
fn is_text(pieces: &[Piece], text: &str) -> bool {
    let rest = pieces.iter().try_fold(text, |rest, piece| rest.strip_prefix(piece.text.as_str()));
    rest.is_some_and(str::is_empty)
}

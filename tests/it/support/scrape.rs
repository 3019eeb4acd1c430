//! `/metrics` as a scraper reads it.

use std::collections::HashMap;
use std::time::Instant;

use super::DEADLINE;
use super::raw::exchange;

/// One page: every series with its value, and the text it was read from.
#[derive(Debug)]
pub(crate) struct Page {
    series: HashMap<String, f64>,
    pub(crate) text: String,
}

/// Asks the server on this port of this machine.
#[track_caller]
pub(crate) fn scrape(port: u16) -> Page {
    let answer = exchange(port, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
    });
    Page { series: series.collect(), text: text.to_owned() }
}

/// Asks until `wanted` holds.
#[track_caller]
pub(crate) fn scrape_until(port: u16, wanted: impl Fn(&Page) -> bool) -> Page {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let page = scrape(port);
        if wanted(&page) {
            return page;
        }
        assert!(Instant::now() < deadline, "not so in time:\n{}", page.text);
    }
}

impl Page {
    /// The value of a series, named as on the page without our prefix.
    #[track_caller]
    pub(crate) fn of(&self, name: &str) -> f64 {
        let whole = format!("tui_gateway_{name}");
        *self.series.get(&whole).unwrap_or_else(|| panic!("no {whole} in\n{}", self.text))
    }

    /// How far a series moved since `before`.
    #[track_caller]
    pub(crate) fn moved(&self, before: &Page, name: &str) -> f64 {
        self.of(name) - before.of(name)
    }

    /// Every series.
    pub(crate) fn series(&self) -> impl Iterator<Item = (&str, f64)> {
        self.series.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

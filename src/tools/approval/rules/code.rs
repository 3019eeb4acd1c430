//! Dangers of code that nobody has read: in arguments, from pipes, in here-documents; and of SQL.

use crate::tools::approval::interpreters::{self, Source, is_interpreter, is_shell, shell_source};
use crate::tools::approval::path;
use crate::tools::approval::sheet::Sheet;
use crate::tools::approval::step::Step;

/// Programs that fetch.
const DOWNLOADERS: &[&str] =
    &["aria2c", "curl", "fetch", "ftp", "http", "https", "lwp-request", "wget", "xh"];

/// Programs that always decode.
const DECODERS: &[&str] = &["bzcat", "gunzip", "uudecode", "xzcat", "zcat", "zstdcat"];

/// Programs that decode with `-d`.
const CODERS: &[&str] = &["base32", "base64", "basenc", "bzip2", "gbase64", "gzip", "openssl", "xz", "zstd"];

/// Programs that take SQL, wherever in a command they stand: they often run in containers.
const SQL_CLIENTS: &[&str] = &[
    "clickhouse-client",
    "cockroach",
    "duckdb",
    "mariadb",
    "mysql",
    "psql",
    "sqlcmd",
    "sqlite",
    "sqlite3",
    "sqlplus",
    "usql",
];

/// What `DROP` may be followed by.
const SQL_OBJECTS: &[&str] = &[
    "COLUMN", "DATABASE", "FUNCTION", "INDEX", "KEYSPACE", "OWNED", "ROLE", "SCHEMA", "SEQUENCE", "TABLE",
    "TRIGGER", "TYPE", "USER", "VIEW",
];

/// Whether a step runs what it reads.
fn runs_input(step: &Step) -> bool {
    let sources = step.is(&["source", "."]) && step.texts().any(|text| text == "/dev/stdin");
    sources || (is_interpreter(&step.name) && interpreters::reads_code(&step.name, &step.args))
}

pub(super) fn runs_download(step: &Step, sheet: &Sheet) -> bool {
    runs_input(step) && sheet.upstream(step).iter().any(|step| step.is(DOWNLOADERS))
}

pub(super) fn runs_decoded(step: &Step, sheet: &Sheet) -> bool {
    let decodes = |step: &Step| {
        step.is(DECODERS)
            || (step.is(&["xxd"]) && step.has_short('r'))
            || (step.is(CODERS) && (step.has_short('d') || step.has_short('D') || step.has_long("decode", 1)))
    };
    runs_input(step) && sheet.upstream(step).iter().any(decodes)
}

pub(super) fn runs_substitution(step: &Step, _: &Sheet) -> bool {
    let reads = step.redirects.iter().any(|redirect| !redirect.writes && redirect.target.process);
    let runs = is_interpreter(&step.name) || step.is(&["source", "."]);
    runs && (reads || step.args.iter().any(|word| word.process))
}

pub(super) fn runs_document(step: &Step, sheet: &Sheet) -> bool {
    let copied = || sheet.upstream(step).iter().any(|step| step.document.is_some());
    runs_input(step) && (step.document.is_some() || copied())
}

pub(super) fn has_shell_argument(step: &Step, _: &Sheet) -> bool {
    is_shell(&step.name) && matches!(shell_source(&step.args), Source::Argument(_))
}

pub(super) fn has_code_argument(step: &Step, _: &Sheet) -> bool {
    interpreters::has_code(&step.name, &step.args)
}

/// Whatever runs it, it stands by its path in the same text.
pub(super) fn makes_and_runs(step: &Step, sheet: &Sheet) -> bool {
    if !step.is(&["chmod"]) || !step.texts().any(is_executable_mode) {
        return false;
    }
    let name = |text: &str| path::parts(text).pop();
    let files: Vec<String> = step.operands().filter_map(name).collect();
    let is_made = |path: &str| name(path).is_some_and(|name| files.contains(&name));
    let runs = |step: &Step| step.path.contains('/') && is_made(&step.path);
    sheet.steps.iter().any(runs)
}

fn is_executable_mode(text: &str) -> bool {
    if (3..=5).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'7')) {
        return text.bytes().rev().take(3).any(|digit| digit % 2 == 1);
    }
    text.split(',').any(|clause| {
        let Some((who, what)) = clause.split_once(['+', '=']) else { return false };
        let is_mode = who.chars().all(|c| "ugoa".contains(c)) && what.chars().all(|c| "rwxXst".contains(c));
        is_mode && what.contains('x')
    })
}

pub(super) fn is_unknown(step: &Step, _: &Sheet) -> bool {
    step.unknown
}

pub(super) fn drops_sql(step: &Step, sheet: &Sheet) -> bool {
    any_statement(step, sheet, |words| {
        words.windows(2).any(|pair| pair[0] == "DROP" && SQL_OBJECTS.contains(&pair[1].as_str()))
    })
}

pub(super) fn deletes_all_sql(step: &Step, sheet: &Sheet) -> bool {
    any_statement(step, sheet, |words| {
        let deletes = words.windows(2).any(|pair| pair[0] == "DELETE" && pair[1] == "FROM");
        deletes && !words.iter().any(|word| word == "WHERE")
    })
}

pub(super) fn truncates_sql(step: &Step, sheet: &Sheet) -> bool {
    any_statement(step, sheet, |words| words.first().is_some_and(|word| word == "TRUNCATE"))
}

/// Whether a step gives a client of a database a statement like this. The test gets its words in upper case.
fn any_statement(step: &Step, sheet: &Sheet, test: fn(&[String]) -> bool) -> bool {
    let is_client = |name: &str| SQL_CLIENTS.contains(&name.rsplit('/').next().unwrap_or(name));
    if !is_client(&step.name) && !step.texts().any(is_client) {
        return false;
    }
    let sources = std::iter::once(step).chain(sheet.upstream(step));
    let mut texts = sources.flat_map(|step| step.texts().chain(step.document.as_deref()));
    texts.any(|text| {
        text.split(';').any(|statement| {
            let words = statement.split(|c: char| c != '_' && !c.is_alphanumeric());
            let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_uppercase).collect();
            test(&words)
        })
    })
}

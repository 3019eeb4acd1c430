//! The language of the prompts: the demo agent's words, and this server's own for what goes wrong on the way.
//! Owns its words and their bounds; knows nothing of HTTP or of how an answer is written. A word that is misspelt
//! or out of bounds is plain text, so that the mistake shows.

use std::mem;
use std::time::Duration;

use super::limits::{
    DRIP_MAX, HUGE_MAX, ID_MAX, NAME_MAX, RETRY_AFTER_MAX, TOOLS_MAX, VERDICTS_MAX, WORDS_MAX,
};
use crate::agent::demo::script::{Script as Demo, Step, TOKENS_MAX};

/// One thing to say or to do, in the order written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// `TOKENS=n`: this many numbered tokens.
    Tokens(u64),
    /// `SLEEP=ms`, and `BURN=ms` as well: a thread that burns would hold up every other stream.
    Wait(Duration),
    /// `SAY:text`, or what follows the last word.
    Say(String),
    /// `FAIL=text`: an error of the API in the middle of the answer.
    Fail(String),
    /// `HUGE=bytes`: one piece of text that large.
    Huge(u64),
    /// `TOOL:name {json}`: a tool call, whether the request offers the tool or not. An empty name stands for the
    /// first tool offered.
    Call {
        /// The tool.
        name: String,
        /// Its arguments as written, JSON or not.
        arguments: String,
    },
    /// `CLARIFY:question|a|b`: a call of the tool `clarify`, if it is offered.
    Clarify {
        /// The question.
        question: String,
        /// The answers offered.
        choices: Vec<String>,
    },
    /// `APPROVE:command`: a call of the tool `terminal`, if it is offered.
    Approve(String),
}

/// What goes wrong. Counts are of tokens: pieces of text, of reasoning and of arguments.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Faults {
    /// `STATUS=code`: answer with this HTTP error, 400 to 599, and nothing else.
    pub(super) status: Option<u16>,
    /// `RETRY_AFTER=s`: with that header.
    pub(super) retry_after: Option<u64>,
    /// `DRIP=bytes`: so many at a time, a few milliseconds apart.
    pub(super) drip: Option<usize>,
    /// `CUT=n`: close the connection after n tokens.
    pub(super) cut: Option<u64>,
    /// `RESET=n`: the same with a reset.
    pub(super) reset: Option<u64>,
    /// `MALFORMED=n`: one broken event after n tokens.
    pub(super) malformed: Option<u64>,
    /// `LENGTH=n`: stop after n tokens, at the output limit.
    pub(super) length: Option<u64>,
    /// `HANG`: the head, then nothing.
    pub(super) hang: bool,
    /// `NOFINISH`: end without a reason to stop.
    pub(super) no_finish: bool,
    /// `TIMES=n`: all of these only for the first n requests of this `ID=`.
    pub(super) times: Option<u64>,
}

/// A whole script.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Script {
    /// `DELAY=ms`: the wait before the first byte.
    pub(super) delay: Duration,
    /// `REASON=n`: tokens of reasoning before all else.
    pub(super) reason: u64,
    /// `RATE=n`: tokens a second; 0 is as fast as it goes.
    pub(super) rate: u64,
    /// `SIZE=n`: bytes a token.
    pub(super) size: usize,
    /// What to say.
    pub(super) acts: Vec<Act>,
    /// What goes wrong.
    pub(super) faults: Faults,
    /// `USAGE=in,out`: the counts to tell.
    pub(super) usage: Option<(u64, u64)>,
    /// `ID=word`: the name of this request in `/stats`.
    pub(super) id: Option<String>,
    /// `VERDICT=done,…`: what the judge of a goal answers, one after the other; the last one stays.
    pub(super) verdicts: Vec<String>,
}

impl Script {
    /// One that says `text`, at `rate`.
    pub(super) fn saying(text: String, rate: u64) -> Self {
        Self { acts: vec![Act::Say(text)], rate, size: Demo::default().size, ..Self::default() }
    }

    /// Reads the script at the start of `text`; `None` when it does not start with one. Without a `RATE=` it runs
    /// at `rate`.
    pub(super) fn parse(text: &str, rate: u64) -> Option<Self> {
        let mut parser =
            Parser { demo: Demo { rate, ..Demo::default() }, script: Self::default(), tools: None };
        let mut rest = text.trim();
        let mut words = 0;
        while !rest.is_empty() && words < WORDS_MAX {
            let Some(after) = parser.take_word(rest) else { break };
            rest = after.trim_start();
            words += 1;
        }
        if words == 0 {
            return None;
        }
        if !rest.is_empty() {
            parser.script.acts.push(Act::Say(rest.to_owned()));
        }
        Some(parser.finish())
    }

    /// The same for a text that others have had their hands on. Agents join a prompt that got no answer with the
    /// next one, by a blank line: the last paragraph that starts with a script counts, with all behind it. Front
    /// ends put lines of their own in front: without such a paragraph, the first line that does.
    pub(super) fn find(text: &str, rate: u64) -> Option<Self> {
        // Once here: below, each line that looks like a script trims what follows it.
        let text = text.trim_end();
        let script = |start: usize| Self::parse_line(&text[start..], rate);
        let paragraphs = text.rmatch_indices("\n\n").map(|(at, found)| at + found.len());
        let mut lines = text.match_indices('\n').map(|(at, _)| at + 1);
        paragraphs.chain([0]).find_map(script).or_else(|| lines.find_map(script))
    }

    /// The script of a goal in a question to its judge, which quotes it: the first line that has verdicts.
    pub(super) fn find_verdicts(text: &str, rate: u64) -> Option<Self> {
        let mut scripts = text.lines().filter_map(|line| Self::parse_line(line, rate));
        scripts.find(|script| !script.verdicts.is_empty())
    }

    /// Reads the script at the very start of a line.
    fn parse_line(text: &str, rate: u64) -> Option<Self> {
        // Words are upper case: most lines are told apart by one look.
        text.trim_start_matches([' ', '\t']).starts_with(|c: char| c.is_ascii_uppercase()).then_some(())?;
        Self::parse(text, rate)
    }
}

struct Parser {
    /// Reads the demo agent's words.
    demo: Demo,
    script: Script,
    /// `TOOLS=n`.
    tools: Option<u64>,
}

impl Parser {
    /// Acts on the word at the start of `rest` and returns what follows it; `None` if it is none.
    fn take_word<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        if let Some(line) = rest.strip_prefix("TOOL:") {
            let (line, after) = line.split_once('\n').unwrap_or((line, ""));
            self.script.acts.push(call(line.trim())?);
            return Some(after);
        }
        if let Some(after) = self.demo.take_word(rest) {
            self.script.acts.extend(self.demo.steps.drain(..).map(act));
            return Some(after);
        }
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let faults = &mut self.script.faults;
        match word.split_once('=') {
            None if word == "HANG" => faults.hang = true,
            None if word == "NOFINISH" => faults.no_finish = true,
            None => return None,
            Some(("ID", id)) => self.script.id = Some(is_id(id).then(|| id.to_owned())?),
            Some(("USAGE", counts)) => {
                let (input, output) = counts.split_once(',')?;
                self.script.usage = Some((number(input, TOKENS_MAX)?, number(output, TOKENS_MAX)?));
            }
            Some(("VERDICT", words)) => self.script.verdicts = verdicts(words)?,
            Some(("HUGE", bytes)) => self.script.acts.push(Act::Huge(number(bytes, HUGE_MAX)?)),
            Some(("TOOLS", count)) => self.tools = Some(number(count, TOOLS_MAX)?),
            Some((name, value)) => fault(faults, name, value)?,
        }
        Some(after)
    }

    fn finish(self) -> Script {
        let Demo { delay, reason, rate, size, .. } = self.demo;
        let mut script = Script { delay, reason, rate, size, ..self.script };
        let Some(count) = self.tools else { return script };
        if !script.acts.iter().any(|act| matches!(act, Act::Call { .. })) {
            // Arguments that differ: equal calls of one batch are one call to some agents.
            script.acts.push(Act::Call { name: String::new(), arguments: String::from(r#"{"call":%i}"#) });
        }
        let acts = mem::take(&mut script.acts);
        script.acts = acts.into_iter().flat_map(|act| repeated(act, count)).collect();
        script
    }
}

/// A tool call as often as asked; anything else once.
fn repeated(act: Act, count: u64) -> Vec<Act> {
    let Act::Call { name, arguments } = act else { return vec![act] };
    let numbered =
        |index: u64| Act::Call { name: name.clone(), arguments: arguments.replace("%i", &index.to_string()) };
    (0..count).map(numbered).collect()
}

fn act(step: Step) -> Act {
    match step {
        Step::Tokens(count) => Act::Tokens(count),
        Step::Sleep(wait) | Step::Burn(wait) => Act::Wait(wait),
        Step::Say(text) => Act::Say(text),
        Step::Fail(text) if text.trim().is_empty() => {
            Act::Fail(String::from("The script asked for a failure."))
        }
        Step::Fail(text) => Act::Fail(text),
        Step::Clarify { question, choices } => {
            Act::Clarify { question, choices: choices.unwrap_or_default() }
        }
        Step::Approve(command) => Act::Approve(command),
    }
}

fn fault(faults: &mut Faults, name: &str, value: &str) -> Option<()> {
    let tokens = || number(value, TOKENS_MAX);
    match name {
        "STATUS" => faults.status = Some(status(value)?),
        "RETRY_AFTER" => faults.retry_after = Some(number(value, RETRY_AFTER_MAX)?),
        "DRIP" => {
            faults.drip =
                usize::try_from(number(value, DRIP_MAX)?).ok().filter(|bytes| *bytes > 0).map(Some)?
        }
        "CUT" => faults.cut = Some(tokens()?),
        "RESET" => faults.reset = Some(tokens()?),
        "MALFORMED" => faults.malformed = Some(tokens()?),
        "LENGTH" => faults.length = Some(tokens()?),
        "TIMES" => faults.times = Some(tokens()?),
        _ => return None,
    }
    Some(())
}

/// Digits only: `parse` alone would take a plus sign too.
fn number(digits: &str, max: u64) -> Option<u64> {
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number <= max)
}

/// Of errors only: other codes have other rules for what follows the head.
fn status(digits: &str) -> Option<u16> {
    number(digits, 599).filter(|code| *code >= 400).and_then(|code| u16::try_from(code).ok())
}

fn verdicts(words: &str) -> Option<Vec<String>> {
    let is_word = |word: &&str| is_id(word);
    let read: Vec<String> = words.split(',').take_while(is_word).map(str::to_owned).collect();
    (read.len() <= VERDICTS_MAX && read.len() == words.split(',').count()).then_some(read)
}

fn is_id(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn call(line: &str) -> Option<Act> {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let good = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(fits);
    let arguments = match arguments.trim() {
        "" => "{}",
        arguments => arguments,
    };
    good.then(|| Act::Call { name: name.to_owned(), arguments: arguments.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agent::demo;

    fn parse(text: &str) -> Script {
        Script::parse(text, 0).unwrap()
    }

    fn tool(name: &str, arguments: &str) -> Act {
        Act::Call { name: name.into(), arguments: arguments.into() }
    }

    #[test]
    fn reads_every_word() {
        let script = parse(
            "ID=a-1 STATUS=503 RETRY_AFTER=2 DRIP=7 CUT=3 RESET=4 MALFORMED=5 LENGTH=6 HANG NOFINISH TIMES=1 \
             USAGE=10,20 DELAY=5 REASON=2 RATE=30 SIZE=8 TOKENS=9 SLEEP=1 BURN=2 HUGE=100\nTOOL:a.b {\"x\": 1}\n\
             CLARIFY:q|x\nAPPROVE:ls\nFAIL=",
        );
        let expected = Faults {
            status: Some(503),
            retry_after: Some(2),
            drip: Some(7),
            cut: Some(3),
            reset: Some(4),
            malformed: Some(5),
            length: Some(6),
            hang: true,
            no_finish: true,
            times: Some(1),
        };
        assert_eq!(script.faults, expected);
        assert_eq!((script.usage, script.id.as_deref()), (Some((10, 20)), Some("a-1")));
        let ms = Duration::from_millis;
        assert_eq!((script.delay, script.reason, script.rate, script.size), (ms(5), 2, 30, 8));
        let acts = [
            Act::Tokens(9),
            Act::Wait(ms(1)),
            Act::Wait(ms(2)),
            Act::Huge(100),
            tool("a.b", r#"{"x": 1}"#),
            Act::Clarify { question: "q".into(), choices: vec!["x".into()] },
            Act::Approve("ls".into()),
            Act::Fail("The script asked for a failure.".into()),
        ];
        assert_eq!(script.acts, acts);
    }

    #[test]
    fn both_languages_mix_and_say_takes_the_rest() {
        let script = parse("TOKENS=2 ID=x SAY:all\nof CUT=1");
        assert_eq!(script.acts, [Act::Tokens(2), Act::Say("all\nof CUT=1".into())]);
        assert_eq!((script.id.as_deref(), script.faults), (Some("x"), Faults::default()));
        assert_eq!(parse("CUT=1 and so on").acts, [Act::Say("and so on".into())]);
    }

    #[test]
    fn a_malformed_word_is_plain_text() {
        for text in [
            "",
            "hello",
            "hang",
            "HANGS",
            "ID=",
            "ID=a/b",
            "STATUS=200",
            "STATUS=600",
            "STATUS=+500",
            "CUT=x",
            "DRIP=0",
            "USAGE=1",
            "USAGE=1,",
            "TOOL:",
            "TOOL:a/b",
            "HUGE=268435457",
            "TOOLS=65",
            "RETRY_AFTER=86401",
            "VERDICT=",
            "VERDICT=done,,",
        ] {
            assert_eq!(Script::parse(text, 0), None, "{text}");
        }
        assert_eq!(parse("ID=x CUT=-1").acts, [Act::Say("CUT=-1".into())]);
    }

    #[test]
    fn the_rate_of_the_server_is_a_default() {
        assert_eq!(Script::parse("TOKENS=1", 30).unwrap().rate, 30);
        assert_eq!(Script::parse("TOKENS=1 RATE=0", 30).unwrap().rate, 0);
    }

    #[test]
    fn tools_are_repeated_and_numbered() {
        let acts = parse("TOOLS=2\nTOOL:read {\"n\":%i}\nSAY:x").acts;
        assert_eq!(acts, [tool("read", r#"{"n":0}"#), tool("read", r#"{"n":1}"#), Act::Say("x".into())]);
        assert_eq!(parse("TOOLS=1").acts, [tool("", r#"{"call":0}"#)]);
        assert_eq!(parse("TOOL:read").acts, [tool("read", "{}")]);
    }

    #[test]
    fn a_script_is_found_behind_lines_of_others() {
        assert_eq!(Script::find("[a note]\n\nTOKENS=3", 0).unwrap().acts, [Act::Tokens(3)]);
        assert_eq!(
            Script::find("[a note]\nTOKENS=3\nTOKENS=4", 0).unwrap().acts,
            [Act::Tokens(3), Act::Tokens(4)]
        );
        assert_eq!(Script::find("Plain words\nand more", 0), None);
        assert_eq!(Script::find("Say TOKENS=3", 0), None, "not in the middle of a line");
        assert_eq!(Script::parse("[a note]\nTOKENS=3", 0), None);
    }

    #[test]
    fn of_prompts_that_were_joined_the_last_counts() {
        let joined = Script::find("STATUS=400\n\nSLEEP=9 TOKENS=1\n\nTOKENS=2 SAY:one\n\ntwo", 0).unwrap();
        assert_eq!(joined.acts, [Act::Tokens(2), Act::Say("one\n\ntwo".into())]);
        assert_eq!(joined.faults, Faults::default());
    }

    proptest! {
        #[test]
        fn what_the_demo_agent_reads_means_the_same_here(
            text in r"((TOKENS|SIZE|RATE|REASON|SLEEP)=[0-9]{1,3} |SAY:|FAIL=|CLARIFY:|\||[a-z]|\n){0,20}",
        ) {
            let demo = demo::script::parse(&text);
            let ours = Script::parse(&text, 0);
            prop_assert_eq!(demo.is_some(), ours.is_some());
            if let (Some(demo), Some(ours)) = (demo, ours) {
                prop_assert_eq!((demo.rate, demo.size, demo.reason), (ours.rate, ours.size, ours.reason));
                prop_assert_eq!(demo.steps.into_iter().map(act).collect::<Vec<_>>(), ours.acts);
            }
        }

        #[test]
        fn never_panics_and_never_grows(
            text in r"((TOKENS|TOOLS|USAGE|CUT|ID|HUGE|FAIL)=|HANG|(TOOL|SAY|CLARIFY):|\||,|[0-9]|\n|\PC| ){0,80}",
        ) {
            if let Some(script) = Script::find(&text, 0) {
                prop_assert!(script.acts.len() <= WORDS_MAX * TOOLS_MAX as usize + 1);
            }
        }
    }
}

//! The console client: a conversation with a running gateway, from a terminal or a script. What it says is
//! `dialog`'s; this file joins the pure part with the socket and the terminal.

mod dialog;
mod error;
mod input;
mod link;
mod print;
mod question;
mod view;

#[cfg(test)]
mod dialog_tests;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, IsTerminal};
use std::time::{Duration, Instant};

pub use error::ChatError;

use dialog::{Act, Dialog};
use input::{Input, Source, Taken};
use link::Link;
use print::Printer;

use super::flags::LowArgs;
use super::target::{Choice, find};
use crate::transport::target::Target;

/// Time from the handshake to a session. The web client of the original waits as long.
const ESTABLISH_TIMEOUT: Duration = Duration::from_secs(15);

/// Talks on this process's terminal until the person leaves or the only prompt is answered.
pub fn chat(low: &LowArgs) -> Result<(), ChatError> {
    let Choice { target, origin, .. } = find(low)?;
    let stdin = io::stdin();
    let source = Source { interactive: stdin.is_terminal(), reader: Box::new(BufReader::new(stdin)) };
    let mut out = io::stdout().lock();
    let terminal = out.is_terminal();
    let mut err = io::stderr().lock();
    let talked = talk(&target, low.once.clone(), source, Printer::new(&mut out, &mut err, terminal));
    talked.map_err(|error| error.named_by(origin))
}

/// Connects and talks.
fn talk(
    target: &Target,
    once: Option<String>,
    source: Source,
    printer: Printer<'_>,
) -> Result<(), ChatError> {
    let link = Link::connect(target)?;
    // For one prompt the input is only there to answer questions; a script's input is not ours to read, it
    // may be the script's own.
    let wanted = once.is_none() || source.interactive;
    let input = match wanted {
        true => Input::start(source, link.waker()).map_err(ChatError::Terminal)?,
        false => Input::none(),
    };
    let mut talk = Talk { link, dialog: Dialog::new(once), input, printer };
    let result = talk.run();
    talk.link.close();
    result
}

struct Talk<'a> {
    link: Link,
    dialog: Dialog,
    input: Input,
    printer: Printer<'a>,
}

impl Talk<'_> {
    fn run(&mut self) -> Result<(), ChatError> {
        let deadline = Instant::now() + ESTABLISH_TIMEOUT;
        loop {
            while self.dialog.wants_line() {
                let acts = match self.input.take(self.dialog.is_asking()) {
                    Taken::Line(line) => self.dialog.on_line(Some(&line)),
                    Taken::End => self.dialog.on_line(None),
                    Taken::Nothing => break,
                };
                if let Some(result) = self.perform(acts)? {
                    return result;
                }
            }
            let deadline = (!self.dialog.is_established()).then_some(deadline);
            let acts = match self.link.next(deadline)? {
                Some(text) => self.dialog.on_frame(&text),
                None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    return Err(ChatError::Silent);
                }
                None => continue,
            };
            if let Some(result) = self.perform(acts)? {
                return result;
            }
        }
    }

    /// Does what the dialogue wants; `Some` when that was the end.
    fn perform(&mut self, acts: Vec<Act>) -> Result<Option<Result<(), ChatError>>, ChatError> {
        for act in acts {
            match act {
                Act::Send(text) => self.link.send(text)?,
                Act::Show(piece) => self.printer.show(&piece).map_err(ChatError::Terminal)?,
                Act::Invite(prompt) if self.input.is_interactive() => {
                    self.printer.prompt(prompt).map_err(ChatError::Terminal)?;
                }
                Act::Invite(_) => {}
                Act::Ask(question) => {
                    self.input.set_aside();
                    self.printer.prompt(&question).map_err(ChatError::Terminal)?;
                }
                Act::Finish(result) => return Ok(Some(result.map_err(ChatError::Reported))),
            }
        }
        Ok(None)
    }
}

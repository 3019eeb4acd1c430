//! One subagent: its turn on a thread of its own, watched by another that passes on what it does and asks.
//! Knows nothing of how many there are.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use mio::Events;
use serde_json::Value;

use super::registry::Presence;
use super::report::{Report, Traced};
use super::{Ear, Lineage, Parent};
use crate::agent::openai::OpenAi;
use crate::agent::openai::guard::has_failed;
use crate::agent::openai::kit::Kit;
use crate::agent::openai::toolbox::Toolbox;
use crate::agent::{Agent, AgentControl, INTERRUPT_POLL, agent_io};
use crate::base::mask::mask;
use crate::limits::{AGENT_MAIL_MAX, AGENT_TEXT_MAX};
use crate::model::agent_event::{AgentEvent, Subagent, SubagentKind};
use crate::model::provider::ModelChoice;
use crate::model::settings::{DelegationSettings, ModelSettings};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::reactor::joining::{JoiningReceiver, joining_mailbox};
use crate::reactor::mailbox::{Mail, lone_bell};
use crate::tools::Task;

/// Characters of a reply's first line that are told (the original's).
const LINE_CHARS_MAX: usize = 80;

/// Tools of one piece of progress (the original's).
const PROGRESS_TOOLS: usize = 5;

/// Tools of a trace; what comes after is not listed. More than a subagent usually calls.
const TRACE_MAX: usize = 200;

/// Files that are named in the end, of each kind (the original's).
const FILES_MAX: usize = 40;

/// What stands behind the task.
const MANNER: &str = "You are a subagent: another agent gave you this task and sees nothing of your work but \
                      your last answer. Nobody can answer questions; where something is open, choose what is \
                      sensible and say so. When you are done, answer with what you did, what you found, \
                      which files you changed, and what is left.";

/// A subagent that is ready to run.
pub(super) struct Child {
    agent: OpenAi,
    spec: TurnSpec,
    presence: Presence,
    toolbox: Arc<Toolbox>,
    /// What all its news have in common.
    news: Subagent,
}

impl Child {
    /// For the task; `place` is its index and the number of those started with it.
    pub(super) fn new(
        parent: Parent<'_>,
        limits: &DelegationSettings,
        task: &Task,
        place: (usize, usize),
        presence: Presence,
    ) -> Self {
        let shown = &presence.shown;
        let lineage = Lineage {
            id: shown.id.clone(),
            depth: shown.depth,
            may_delegate: task.orchestrator && shown.depth + 1 < limits.depth,
        };
        let toolbox = Arc::clone(parent.kit.toolbox());
        let settings = ModelSettings { iterations: limits.iterations, ..parent.agent.settings.clone() };
        let kit = Kit::of_a_subagent(Arc::clone(&toolbox), lineage);
        let agent = OpenAi { settings, toolbox: Some(Arc::new(kit)), ..parent.agent.clone() };
        let spec = TurnSpec {
            // A desk of its own: its shell, plan and approvals are not the session's.
            session_key: format!("{}-{}", parent.turn.session_key, shown.id),
            prompt: prompt(task),
            expands: false,
            images: Vec::new(),
            history: Arc::default(),
            // Of the parent's endpoint, whichever that is.
            model: Some(shown.model.as_str()).filter(|model| !model.is_empty()).map(ModelChoice::from),
            resumed: None,
            ..parent.turn.clone()
        };
        let news = Subagent {
            id: shown.id.clone(),
            parent: shown.parent.clone(),
            // Its conversation is not stored, so that there is no key to open it with.
            child_key: None,
            depth: shown.depth,
            goal: shown.goal.clone(),
            task_index: place.0,
            task_count: place.1,
            model: shown.model.clone(),
            ..Subagent::default()
        };
        Self { agent, spec, presence, toolbox, news }
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.news.id
    }

    /// What it is to do.
    pub(super) fn goal(&self) -> &str {
        &self.news.goal
    }

    /// What there is to say if nothing else is heard of it.
    pub(super) fn lost(&self) -> Report {
        failed(&self.news, String::from("The subagent failed unexpectedly."))
    }

    /// Runs it to its end.
    pub(super) fn run(self, ear: &dyn Ear) -> Report {
        let Self { agent, spec, presence, toolbox, news } = self;
        let (key, iterations) = (spec.session_key.clone(), u64::from(agent.settings.iterations));
        let mut watcher = Watcher::new(news, presence, ear);
        watcher.tell(SubagentKind::Start, watcher.news.goal.clone());
        let end = watcher.attend(agent, spec);
        // What it left running ends with it.
        toolbox.close(&key);
        watcher.finish(end, iterations)
    }
}

fn prompt(task: &Task) -> String {
    let mut parts = vec![format!("# Your task\n\n{}", task.goal)];
    if !task.context.is_empty() {
        parts.push(format!("# What you have to know\n\n{}", task.context));
    }
    parts.push(MANNER.to_owned());
    parts.join("\n\n")
}

/// A report without an answer.
fn failed(news: &Subagent, error: String) -> Report {
    Report {
        index: news.task_index,
        goal: news.goal.clone(),
        status: "error",
        exit: "error",
        answer: None,
        error: Some(error),
        model: news.model.clone(),
        usage: Usage::default(),
        took: Duration::ZERO,
        trace: Vec::new(),
        files_read: Vec::new(),
        files_written: Vec::new(),
    }
}

/// Makes news of what an agent says.
struct Watcher<'a> {
    ear: &'a dyn Ear,
    presence: Presence,
    news: Subagent,
    started: Instant,
    /// The beginning of the reply under way, until its first line is told.
    reply: String,
    has_replied: bool,
    /// Tools since the last progress.
    tools: Vec<String>,
    trace: Vec<Traced>,
    files_read: Vec<String>,
    files_written: Vec<String>,
}

impl<'a> Watcher<'a> {
    fn new(news: Subagent, presence: Presence, ear: &'a dyn Ear) -> Self {
        Self {
            ear,
            presence,
            news,
            started: Instant::now(),
            reply: String::new(),
            has_replied: false,
            tools: Vec::new(),
            trace: Vec::new(),
            files_read: Vec::new(),
            files_written: Vec::new(),
        }
    }

    /// Lets the agent run, and listens until it is done. The error is a sentence.
    fn attend(&mut self, mut agent: OpenAi, spec: TurnSpec) -> Result<TurnEnd, String> {
        let (mut poll, bell) = lone_bell().map_err(|error| format!("It cannot be watched: {error}."))?;
        let (sender, mail) = joining_mailbox(&bell, AGENT_MAIL_MAX, AGENT_TEXT_MAX);
        let (io, control) = agent_io(sender);
        let builder = thread::Builder::new().name(format!("agent-{}", self.news.id));
        let thread = builder
            .spawn(move || agent.run(&spec, &io))
            .map_err(|error| format!("It cannot be started: {error}."))?;
        let mut events = Events::with_capacity(1);
        let mut is_told = false;
        loop {
            bell.silence();
            if self.listen(&mail, &control) {
                break;
            }
            if !is_told && self.is_stopped() {
                control.interrupt();
                is_told = true;
            }
            // A wait that fails at once must not become a busy loop.
            if poll.poll(&mut events, Some(INTERRUPT_POLL)).is_err() {
                thread::sleep(INTERRUPT_POLL);
            }
        }
        thread.join().map_err(|_| String::from("The subagent failed unexpectedly."))
    }

    /// Hears what waits; true when nothing will come any more.
    fn listen(&mut self, mail: &JoiningReceiver<AgentEvent>, control: &AgentControl) -> bool {
        loop {
            match mail.take() {
                Mail::Item(event) | Mail::Newest(event) => self.hear(event, control),
                Mail::Empty => return false,
                Mail::Closed => return true,
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.presence.stop.load(Ordering::SeqCst) || self.ear.stopped()
    }

    fn hear(&mut self, event: AgentEvent, control: &AgentControl) {
        match event {
            AgentEvent::Thinking => {
                self.tell_reply();
                self.has_replied = false;
            }
            AgentEvent::Text(text) => self.hear_text(&text),
            AgentEvent::ToolStart { name, context, .. } => self.tool_started(name, context),
            AgentEvent::ToolComplete { name, args, result, .. } => self.tool_done(name, &args, &result),
            // Of one that it started itself; the original loses these.
            AgentEvent::Subagent(news) => self.ear.news(*news),
            AgentEvent::Ask(ask, question) => {
                control.answer(ask, self.ear.ask(question, &self.presence.stop));
            }
            _ => {}
        }
    }

    fn hear_text(&mut self, text: &str) {
        if self.has_replied {
            return;
        }
        let text = if self.reply.is_empty() { text.trim_start() } else { text };
        self.reply.extend(text.chars().take(LINE_CHARS_MAX));
        if self.reply.contains('\n') || self.reply.chars().count() >= LINE_CHARS_MAX {
            self.tell_reply();
        }
    }

    /// Tells the first line of the reply, if there is one.
    fn tell_reply(&mut self) {
        let reply = std::mem::take(&mut self.reply);
        let line = reply.lines().next().unwrap_or_default().trim();
        if !line.is_empty() {
            self.has_replied = true;
            self.tell(SubagentKind::Thinking, mask(line).chars().take(LINE_CHARS_MAX).collect());
        }
    }

    fn tool_started(&mut self, name: String, label: String) {
        self.tell_reply();
        self.presence.note_tool(&name);
        self.news.tool_count += 1;
        let news = Subagent { tool_name: name.clone(), ..self.piece(SubagentKind::Tool, label) };
        self.ear.news(news);
        self.tools.push(name);
        if self.tools.len() >= PROGRESS_TOOLS {
            self.tell_progress();
        }
    }

    fn tool_done(&mut self, name: String, args: &str, result: &str) {
        let failed = has_failed(&name, result);
        if !failed {
            self.note_files(&name, args, result);
        }
        if self.trace.len() < TRACE_MAX {
            let (args_bytes, result_bytes) = (args.len(), result.len());
            self.trace.push(Traced { tool: name, args_bytes, result_bytes, failed });
        }
    }

    fn note_files(&mut self, name: &str, args: &str, result: &str) {
        let parse = |json: &str| serde_json::from_str::<Value>(json).unwrap_or_default();
        match name {
            "read_file" => {
                let args = parse(args);
                note(&mut self.files_read, args.get("path").and_then(Value::as_str));
            }
            "write_file" | "patch" => {
                let result = parse(result);
                let listed =
                    |member: &str| result.get(member).and_then(Value::as_array).into_iter().flatten();
                for file in listed("files_modified").chain(listed("files_created")) {
                    note(&mut self.files_written, file.as_str());
                }
            }
            _ => {}
        }
    }

    fn tell_progress(&mut self) {
        let tools = std::mem::take(&mut self.tools);
        if tools.is_empty() {
            return;
        }
        let place = match self.news.task_count {
            0 | 1 => String::new(),
            _ => format!("[{}] ", self.news.task_index + 1),
        };
        self.tell(SubagentKind::Progress, format!("🔀 {place}{}", tools.join(", ")));
    }

    fn tell(&self, kind: SubagentKind, text: String) {
        self.ear.news(self.piece(kind, text));
    }

    fn piece(&self, kind: SubagentKind, text: String) -> Subagent {
        Subagent { kind, text, ..self.news.clone() }
    }

    /// Tells the end, and says what came of it.
    fn finish(mut self, end: Result<TurnEnd, String>, iterations: u64) -> Report {
        self.tell_reply();
        self.tell_progress();
        let mut report = match end {
            Ok(end) => ended(&self.news, end, iterations),
            Err(why) => failed(&self.news, why),
        };
        report.took = self.started.elapsed();
        report.trace = std::mem::take(&mut self.trace);
        report.files_read = std::mem::take(&mut self.files_read);
        report.files_written = std::mem::take(&mut self.files_written);
        let end = Some(report.end());
        self.ear.news(Subagent { end, ..self.piece(SubagentKind::Complete, String::new()) });
        report
    }
}

/// What a turn's end says.
fn ended(news: &Subagent, end: TurnEnd, iterations: u64) -> Report {
    let text = end.text.map(|text| mask(text.trim()).into_owned()).filter(|text| !text.is_empty());
    let (status, exit, answer, error) = match end.status {
        TurnStatus::Interrupted => ("interrupted", "interrupted", text, None),
        TurnStatus::Error => ("failed", "error", None, text),
        TurnStatus::Complete if text.is_none() => {
            ("failed", "error", None, Some(String::from("The subagent gave no answer.")))
        }
        // The last of the calls that it may make is for a summary; tries count as calls.
        TurnStatus::Complete if end.usage.calls > iterations => ("completed", "max_iterations", text, None),
        TurnStatus::Complete => ("completed", "completed", text, None),
    };
    let model = if end.usage.model.is_empty() { news.model.clone() } else { end.usage.model.clone() };
    Report { status, exit, answer, error, model, usage: end.usage, ..failed(news, String::new()) }
}

/// Adds a file that is not there yet, as long as there is room.
fn note(files: &mut Vec<String>, file: Option<&str>) {
    if let Some(file) = file
        && files.len() < FILES_MAX
        && !files.iter().any(|known| known == file)
    {
        files.push(file.to_owned());
    }
}

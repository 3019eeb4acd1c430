//! The words of jobs that run on a schedule.

/// Work on jobs that run on a schedule. A job is named by its id or by its name.
#[derive(Clone, PartialEq, Debug)]
pub enum CronJob {
    /// All of them, paused ones too.
    List,
    /// One more.
    Add(NewCron),
    /// It runs no more until it is resumed.
    Pause {
        /// Which.
        job: String,
    },
    /// It runs again, from now on.
    Resume {
        /// Which.
        job: String,
    },
    /// It is gone, and its output with it.
    Remove {
        /// Which.
        job: String,
    },
}

/// A job to be made, as somebody wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCron {
    /// Its name; empty takes the beginning of the prompt.
    pub name: String,
    /// When it runs.
    pub schedule: String,
    /// What the agent is asked.
    pub prompt: String,
    /// The model that is configured now; whoever runs the job notices when another one is.
    pub model: Option<String>,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum CronDone {
    /// The jobs, in the order of the file.
    Listed(Vec<CronView>),
    /// The job is there.
    Added(Box<CronView>),
    /// The job was paused or resumed.
    Changed(Box<CronView>),
    /// The job is gone.
    Removed(Box<CronView>),
    /// It was not done; a sentence for people.
    Refused(String),
    /// The name fits several jobs: these.
    Ambiguous {
        /// A sentence for people.
        message: String,
        /// The jobs, at least two.
        matches: Vec<CronView>,
    },
}

/// A job as people see it. What somebody wrote into the file by hand is read as well as it can be.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct CronView {
    /// Its id; 12 hex digits where this program or the original made it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Skills that are loaded before the prompt.
    pub skills: Vec<String>,
    /// The beginning of the prompt.
    pub prompt_preview: String,
    /// The model it is bound to.
    pub model: Option<String>,
    /// The provider it is bound to.
    pub provider: Option<String>,
    /// The address it is bound to.
    pub base_url: Option<String>,
    /// When it runs, for people.
    pub schedule: String,
    /// How often it runs: `forever`, `once`, `3 times`, `1/3`.
    pub repeat: String,
    /// Where its output goes.
    pub deliver: String,
    /// When it runs next, ISO 8601.
    pub next_run_at: Option<String>,
    /// When it ran last, ISO 8601.
    pub last_run_at: Option<String>,
    /// How that went.
    pub last_status: Option<String>,
    /// Why its output could not be delivered.
    pub last_delivery_error: Option<String>,
    /// Whether it runs.
    pub enabled: bool,
    /// `scheduled`, `paused`, or what its runner says.
    pub state: String,
    /// Since when it is paused, ISO 8601.
    pub paused_at: Option<String>,
    /// Why it is paused.
    pub paused_reason: Option<String>,
    /// A program whose output goes with the prompt, or that is the job.
    pub script: Option<String>,
    /// Whether the program is the job.
    pub no_agent: bool,
    /// The sets of tools it may use, where it is limited to some.
    pub toolsets: Vec<String>,
    /// Where it runs.
    pub workdir: Option<String>,
}

/// Why nothing came of it: the file cannot be read or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CronError {
    /// For people.
    pub message: String,
}

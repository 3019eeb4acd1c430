//! The words of what the agent has learned: skills and memories.

/// Work on what the agent has learned. Something learned is named by its id: a skill's name, or
/// `memory:<source>:<index>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LearningJob {
    /// Draw how it grew.
    Draw(DrawSize),
    /// All of it, oldest first.
    List,
    /// One of it, whole.
    Detail {
        /// Which.
        id: String,
    },
    /// Away with one of it. A skill can be brought back.
    Delete {
        /// Which.
        id: String,
    },
    /// Another text for one of it.
    Edit {
        /// Which.
        id: String,
        /// The text.
        content: String,
    },
}

/// How large a drawing is; within bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrawSize {
    /// Columns of the terminal.
    pub cols: usize,
    /// Rows of the terminal.
    pub rows: usize,
    /// Pictures, at least 2.
    pub frames: usize,
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum LearningDone {
    /// The pictures.
    Drawn(Box<Chart>),
    /// What there is, oldest first.
    Listed(Vec<Learned>),
    /// One of it.
    Detail {
        /// What it is.
        kind: LearnedKind,
        /// A short name.
        label: String,
        /// The whole text.
        content: String,
    },
    /// It was done; a sentence for people.
    Changed(String),
    /// It was not done; a sentence for people.
    Refused(String),
}

/// What something learned is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LearnedKind {
    /// A skill.
    Skill,
    /// A memory.
    Memory,
}

impl LearnedKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            LearnedKind::Skill => "skill",
            LearnedKind::Memory => "memory",
        }
    }

    /// The sign in pictures (the original's).
    pub fn glyph(self) -> &'static str {
        match self {
            LearnedKind::Skill => "●",
            LearnedKind::Memory => "◆",
        }
    }
}

/// Something learned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Learned {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: LearnedKind,
    /// Its name, or its first line.
    pub label: String,
    /// What goes with it in a few words.
    pub meta: String,
    /// The beginning of a memory's text; empty for a skill.
    pub body: String,
    /// What a skill is about; empty for a memory.
    pub category: String,
    /// When it was learned or used last, in seconds since 1970.
    pub at: i64,
    /// How often a skill was used.
    pub uses: u64,
}

/// Pictures of how it grew, and what explains them.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Chart {
    /// From nothing to everything.
    pub frames: Vec<ChartFrame>,
    /// Categories of skills, the largest first, with a rest without a colour.
    pub categories: Vec<ChartCategory>,
    /// Slices of time, oldest first.
    pub buckets: Vec<ChartBucket>,
    /// One or two lines.
    pub summary: Vec<String>,
    /// Where time begins and ends.
    pub axis: [String; 2],
    /// Skills.
    pub skills: usize,
    /// Memories.
    pub memories: usize,
}

/// One picture.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ChartFrame {
    /// How much of the time is shown, from 0 to 1.
    pub reveal: f64,
    /// Until when.
    pub date: String,
    /// What is shown of it.
    pub visible: usize,
    /// Rows of pieces.
    pub grid: Vec<Vec<ChartRun>>,
    /// What the marks in it mean.
    pub labels: Vec<ChartLabel>,
}

/// A piece of a row.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartRun {
    /// The text.
    pub text: String,
    /// What it is.
    pub style: ChartStyle,
    /// How strong it is drawn, from 0 to 1.
    pub alpha: f64,
    /// Its own colour, `#rrggbb`.
    pub colour: Option<&'static str>,
}

/// What a piece is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChartStyle {
    /// Nothing.
    Background,
    /// Of a skill or a memory.
    Of(LearnedKind),
    /// Words.
    Label,
    /// Lines and remarks.
    Dim,
}

impl ChartStyle {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ChartStyle::Background => "bg",
            ChartStyle::Of(kind) => kind.as_str(),
            ChartStyle::Label => "label",
            ChartStyle::Dim => "dim",
        }
    }
}

/// What a mark means.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartLabel {
    /// The mark.
    pub key: String,
    /// What it is.
    pub kind: LearnedKind,
    /// Its name, short.
    pub label: String,
    /// What goes with it.
    pub meta: String,
    /// How strong it is drawn, from 0 to 1.
    pub alpha: f64,
}

/// A category of skills.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartCategory {
    /// Its colour; `None` for the rest.
    pub colour: Option<&'static str>,
    /// Its name and number.
    pub label: String,
}

/// A slice of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChartBucket {
    /// Its name in the picture.
    pub label: String,
    /// Its last day.
    pub date: String,
    /// The category of most of its skills.
    pub category: Option<String>,
    /// That category's colour.
    pub colour: Option<&'static str>,
    /// What was learned in it, oldest first.
    pub nodes: Vec<Learned>,
}

impl ChartBucket {
    /// How many of this kind it has.
    pub fn count(&self, kind: LearnedKind) -> usize {
        self.nodes.iter().filter(|node| node.kind == kind).count()
    }
}

/// Why nothing came of it: a file cannot be read or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LearningError {
    /// For people.
    pub message: String,
}

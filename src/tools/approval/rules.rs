//! What a person is asked about: the table of dangerous categories. Knows what commands do; who approves and
//! what is remembered is the gate's business.

mod code;
mod files;
mod git;
mod system;

use super::sheet::Sheet;
use super::step::Step;

pub(super) use system::guesses_password;

/// What is dangerous about a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Category {
    /// Recursive deletes, and deletes of the system's files.
    Delete,
    /// Modes that let everybody write.
    Mode,
    /// Owners of whole trees.
    Owner,
    /// File systems and raw devices.
    Device,
    /// Statements that lose data.
    Sql,
    /// The system's settings and programs.
    SystemConfiguration,
    /// Services of the system.
    Service,
    /// Ends of many processes at once.
    Kill,
    /// Code in an argument.
    OneLiner,
    /// Code from elsewhere.
    PipedCode,
    /// Files that open doors.
    SensitiveFile,
    /// Deletes of what another program finds.
    FoundDelete,
    /// The agent's own gateway.
    Gateway,
    /// Containers.
    Container,
    /// Scripts in here-documents.
    HereDocument,
    /// History of a repository.
    Git,
    /// Files made executable and run.
    MakeAndRun,
    /// Ways around a password.
    Sudo,
    /// Deletes of Windows and PowerShell.
    Windows,
    /// Commands nobody can judge by reading them.
    Unreadable,
}

/// A row.
#[derive(Debug)]
pub(super) struct Rule {
    /// What it is, for people, and the name under which it is approved: stored in `command_allowlist`, so it
    /// stays as it is.
    pub(super) key: &'static str,
    /// Where it belongs.
    pub(super) category: Category,
    /// Whether a step of a sheet is that.
    pub(super) test: fn(&Step, &Sheet) -> bool,
}

/// The key of a text without a reading, or with more than one.
pub(super) const UNREADABLE: &str = "unreadable shell syntax";

const fn rule(category: Category, key: &'static str, test: fn(&Step, &Sheet) -> bool) -> Rule {
    Rule { key, category, test }
}

/// All rows. The first that fits names the question.
pub(super) const RULES: &[Rule] = &[
    // Before `recursive delete`, which they mostly are too: the more telling key comes first.
    rule(Category::FoundDelete, "xargs with rm", files::xargs_deletes),
    rule(Category::FoundDelete, "find -exec with rm", files::find_runs_delete),
    rule(Category::FoundDelete, "find -delete", files::find_deletes),
    rule(Category::Delete, "recursive delete", files::deletes_recursively),
    rule(Category::Delete, "delete in a system directory", files::deletes_system),
    rule(Category::Mode, "world-writable permissions", files::opens_mode),
    rule(Category::Owner, "recursive change of owner to root", files::gives_to_root),
    rule(Category::Device, "writing a disk or device", system::writes_device),
    rule(Category::Device, "changing a disk's layout", system::changes_disk),
    rule(Category::Sql, "SQL drop", code::drops_sql),
    rule(Category::Sql, "SQL delete without where", code::deletes_all_sql),
    rule(Category::Sql, "SQL truncate", code::truncates_sql),
    rule(Category::SensitiveFile, "writing to SSH files", files::writes_ssh),
    rule(Category::SensitiveFile, "writing to a credential file", files::writes_credential),
    rule(Category::SensitiveFile, "writing to a shell start-up file", files::writes_start_up),
    rule(Category::SensitiveFile, "writing to project settings or secrets", files::writes_project),
    rule(Category::SensitiveFile, "writing to the agent's own files", files::writes_own),
    rule(Category::SystemConfiguration, "overwriting system configuration", files::writes_system),
    rule(Category::Service, "stopping or restarting a system service", system::stops_service),
    rule(Category::Gateway, "stopping or updating the agent's gateway", system::touches_gateway),
    rule(Category::Gateway, "killing the agent's own process", system::kills_gateway),
    rule(Category::Kill, "killing processes by name", system::kills_by_name),
    rule(Category::Container, "stopping or removing containers", system::ends_container),
    rule(Category::PipedCode, "download piped into an interpreter", code::runs_download),
    rule(Category::PipedCode, "decoded text piped into an interpreter", code::runs_decoded),
    rule(Category::PipedCode, "interpreter on a process substitution", code::runs_substitution),
    rule(Category::HereDocument, "here-document run by an interpreter", code::runs_document),
    rule(Category::OneLiner, "shell command in an argument", code::has_shell_argument),
    rule(Category::OneLiner, "interpreter code in an argument", code::has_code_argument),
    rule(Category::Git, "git reset --hard", git::resets),
    rule(Category::Git, "git forced push", git::forces_push),
    rule(Category::Git, "git clean with force", git::cleans),
    rule(Category::Git, "git forced delete of a branch", git::deletes_branch),
    rule(Category::MakeAndRun, "making a file executable and running it", code::makes_and_runs),
    rule(Category::Sudo, "sudo with stdin, askpass, shell or list options", system::bends_sudo),
    rule(Category::Windows, "Windows delete", files::deletes_windows),
    rule(Category::Unreadable, "command whose name is not known before it runs", code::is_unknown),
];

#[cfg(test)]
mod tests;

//! How much of a background process others see: the bounds of the texts in `model::process::Process`.

/// Characters of the command.
pub(super) const COMMAND_CHARS: usize = 200;

/// Characters of the short piece of output.
pub(super) const PREVIEW_CHARS: usize = 200;

/// Characters of the longer one, for clients.
pub(super) const TAIL_CHARS: usize = 4000;

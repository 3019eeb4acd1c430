//! Generic pieces that know no clock, no I/O and nothing of this project.

pub mod secret;

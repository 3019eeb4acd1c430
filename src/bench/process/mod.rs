//! What the kernel knows of a gateway's processes: CPU, memory, context switches, system calls. Read from
//! outside, so that any gateway can be asked. Knows no gateway and no scenario.

mod meter;
mod proc;
mod strace;

pub use meter::{Meter, Used};
pub use proc::{Memory, cpu_ns_of_tree, memory, own_cpu_ns, tree};
pub use strace::{Strace, StraceError};

//! From the producer's thread to a connection's task of tokio: a bounded channel, a text at a time as a model
//! makes them, taken by the batch as far as there are some.

use std::sync::mpsc::Sender;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::command::Command;
use crate::frame::Texts;
use crate::produce::Sink;

/// Texts a producer may be ahead of its connection.
pub const AHEAD: usize = 1024;
/// Texts of one batch: what a write of 64 KiB carries.
pub const BATCH: usize = 488;

/// Orders a stream into `queue`.
pub fn order(orders: &Sender<(Command, Sink)>, command: Command, queue: mpsc::Sender<String>) {
    let mut texts = Texts::default();
    let sink = move |count: u32| {
        (0..count).all(|_| match queue.try_send(texts.take()) {
            Ok(()) => true,
            Err(TrySendError::Full(text)) => queue.blocking_send(text).is_ok(),
            Err(TrySendError::Closed(_)) => false,
        })
    };
    // The producer ends with the process only.
    let _ = orders.send((command, Box::new(sink)));
}

//! What an answer costs the agent's thread: a stream of 20,000 tokens from the bytes of its body to the loop's
//! mailbox. Reading the body as bytes alone stands beside it; the socket itself is in neither.

use std::io::Read;
use std::thread;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tui_gateway::agent::agent_io;
use tui_gateway::agent::openai::hear;
use tui_gateway::reactor::joining::joining_mailbox;
use tui_gateway::reactor::mailbox::{Mail, lone_bell};

/// Tokens of the stream.
const TOKENS: usize = 20_000;

/// Bytes that a read gives: what a socket has when the reader keeps up.
const READ_BYTES: usize = 4096;

/// The mailbox of a turn, as the supervisor makes it.
const MAIL: usize = 1024;
const MAIL_TEXT: usize = 64 << 10;

fn main() {
    divan::main();
}

/// A body as a model server sends it.
fn body() -> Vec<u8> {
    let mut body = String::new();
    for token in 0..TOKENS {
        body.push_str(&format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\
             \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token:04} \"}},\"finish_reason\":null}}]}}\n\n"
        ));
    }
    body.push_str(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    );
    body.into_bytes()
}

/// Gives a body in reads of a bounded size.
struct Body<'a>(&'a [u8]);

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let room = buffer.len().min(READ_BYTES);
        self.0.read(&mut buffer[..room])
    }
}

/// Read, parsed, put together, and sent to the loop, which takes it on another thread.
#[divan::bench]
fn a_token(bencher: Bencher) {
    let body = body();
    let Ok((_poll, bell)) = lone_bell() else { return };
    bell.set_pulsing(true);
    bencher.counter(ItemsCount::new(TOKENS)).bench_local(|| {
        let (sender, receiver) = joining_mailbox(&bell, MAIL, MAIL_TEXT);
        let (io, _control) = agent_io(sender);
        let taker = thread::spawn(move || {
            let mut taken = 0;
            loop {
                match receiver.take() {
                    Mail::Item(event) | Mail::Newest(event) => taken += event.count(),
                    // A frame of the loop's clock.
                    Mail::Empty => thread::sleep(std::time::Duration::from_millis(1)),
                    Mail::Closed => return taken,
                }
            }
        });
        let heard = hear(&mut Body(&body), &mut |event| io.emit(event));
        drop(io);
        (black_box(heard), taker.join())
    });
}

/// The same bytes, only read.
#[divan::bench]
fn a_token_only_read(bencher: Bencher) {
    let body = body();
    bencher.counter(ItemsCount::new(TOKENS)).bench_local(|| {
        let (mut reader, mut buffer, mut count) = (Body(&body), [0; READ_BYTES], 0);
        while let Ok(1..) = reader.read(&mut buffer) {
            count += usize::from(buffer[0]);
        }
        black_box(count)
    });
}

//! The loop against a server of the standard library on a thread of its own, and against `cat`.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::{Message, WebSocket, accept};

use super::{Handler, Net, News};
use crate::bench::client::{Client, DialOptions, Gone, Head};
use crate::transport::dial::DialError;
use crate::transport::target::Target;

/// Ends a test that hangs.
const DEADLINE: Duration = Duration::from_secs(10);

/// What came, in words.
#[derive(Default)]
struct Seen {
    news: Vec<(u32, String)>,
    due: Vec<(&'static str, Instant)>,
    /// Said as soon as a connection is open.
    greeting: Option<&'static str>,
}

impl Handler<&'static str> for Seen {
    fn news(&mut self, net: &mut Net<&'static str>, from: Client, news: News<'_>) {
        let said = match news {
            News::Open => {
                if let Some(greeting) = self.greeting {
                    net.send(from, greeting);
                }
                "open".to_owned()
            }
            News::Document(text) => text.to_owned(),
            News::Gone(why) => format!("{why:?}"),
        };
        self.news.push((from.tag, said));
    }

    fn due(&mut self, net: &mut Net<&'static str>, timer: &'static str) {
        self.due.push((timer, net.now()));
    }
}

impl Seen {
    fn of(&self, tag: u32) -> Vec<&str> {
        self.news.iter().filter(|(from, _)| *from == tag).map(|(_, said)| said.as_str()).collect()
    }
}

type TestNet = Net<&'static str>;

#[track_caller]
fn run_until(net: &mut TestNet, seen: &mut Seen, done: impl Fn(&Seen) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !done(seen) {
        assert!(Instant::now() < deadline, "still not: {:?} {:?}", seen.news, seen.due);
        net.turn(seen, deadline).unwrap();
    }
}

/// Serves `count` connections, each on a thread.
fn serve(count: usize, each: impl Fn(WebSocket<TcpStream>) + Clone + Send + 'static) -> (SocketAddr, Target) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(count).map(Result::unwrap) {
            let each = each.clone();
            thread::spawn(move || accept(stream).map(each).ok());
        }
    });
    (addr, Target::new(Some(&format!("ws://{addr}/api/ws?token=t")), None).unwrap())
}

fn echo(mut socket: WebSocket<TcpStream>) {
    while let Ok(message) = socket.read() {
        if message.is_text() {
            socket.send(message).unwrap();
        }
    }
}

#[test]
fn clients_speak_and_are_told_apart() {
    let (addr, target) = serve(3, echo);
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen { greeting: Some("{\"hello\": \"é\"}"), ..Seen::default() };
    let clients: Vec<Client> =
        (0..3).map(|tag| net.dial(addr, &target, tag, DialOptions::default()).unwrap()).collect();
    run_until(&mut net, &mut seen, |seen| seen.news.len() == 6);
    for tag in 0..3 {
        assert_eq!(seen.of(tag), ["open", "{\"hello\": \"é\"}"]);
    }
    let large = "x".repeat(300_000);
    net.send(clients[1], &large);
    run_until(&mut net, &mut seen, |seen| seen.news.len() == 7);
    assert_eq!(seen.of(1).last(), Some(&large.as_str()));
    assert!(net.traffic(clients[1]).bytes_in > 300_000);
    assert_eq!(net.traffic(clients[1]).documents_in, 2);
    net.reset(clients[0]);
    net.hang_up(clients[2]);
    assert_eq!(net.len(), 1);
    net.send(clients[0], "to nobody");
    assert_eq!(net.traffic(clients[0]).documents_in, 0);
}

#[test]
fn pings_are_answered_unless_silence_is_wanted() {
    let (addr, target) = serve(2, |mut socket| {
        socket.send(Message::Ping("p".into())).unwrap();
        socket.send(Message::text("pinged")).unwrap();
        let pong = matches!(socket.read(), Ok(Message::Pong(_)));
        socket.send(Message::text(if pong { "pong" } else { "other" })).unwrap();
        let _ = socket.close(None);
        while socket.read().is_ok() {}
    });
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    net.dial(addr, &target, 0, DialOptions::default()).unwrap();
    let silent = DialOptions { silent: true, ..DialOptions::default() };
    let silent = net.dial(addr, &target, 1, silent).unwrap();
    run_until(&mut net, &mut seen, |seen| seen.of(0).len() == 4 && seen.of(1).len() == 2);
    assert_eq!(seen.of(0), ["open", "pinged", "pong", "Closed(None)"]);
    assert_eq!(seen.of(1), ["open", "pinged"]);
    net.send(silent, "not a pong");
    run_until(&mut net, &mut seen, |seen| seen.of(1).len() == 4);
    assert_eq!(seen.of(1)[2], "other");
}

#[test]
fn what_a_paused_client_did_not_read_comes_later() {
    let (addr, target) = serve(1, |mut socket| {
        socket.send(Message::text("first")).unwrap();
        while socket.read().is_ok_and(|message| message.is_text()) {
            socket.send(Message::text("second")).unwrap();
            socket.send(Message::text("third")).unwrap();
        }
    });
    let (other_addr, other_target) = serve(1, echo);
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    let slow = net.dial(addr, &target, 0, DialOptions::default()).unwrap();
    run_until(&mut net, &mut seen, |seen| seen.of(0).len() == 2);
    net.pause(slow);
    net.send(slow, "go on");
    seen.greeting = Some("beside");
    net.dial(other_addr, &other_target, 1, DialOptions::default()).unwrap();
    run_until(&mut net, &mut seen, |seen| seen.of(1).len() == 2);
    assert_eq!(seen.of(0), ["open", "first"]);
    net.resume(slow);
    run_until(&mut net, &mut seen, |seen| seen.of(0).len() == 4);
    assert_eq!(seen.of(0)[2..], ["second", "third"]);
}

#[test]
fn a_head_may_come_in_pieces() {
    let (addr, target) = serve(1, echo);
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    let options = DialOptions { head: Head::First(10), ..DialOptions::default() };
    let client = net.dial(addr, &target, 7, options).unwrap();
    while net.send_head(client, 25) > 0 {
        net.turn(&mut seen, Instant::now()).unwrap();
        assert!(seen.news.is_empty());
    }
    run_until(&mut net, &mut seen, |seen| seen.of(7) == ["open"]);
}

#[test]
fn refusals_and_ends_are_told() {
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = closed.local_addr().unwrap();
    drop(closed);
    let target = Target::new(Some("ws://127.0.0.1:1/x"), None).unwrap();
    net.dial(addr, &target, 0, DialOptions::default()).unwrap();
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let rude_addr = rude.local_addr().unwrap();
    thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = rude.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
    });
    net.dial(rude_addr, &target, 1, DialOptions::default()).unwrap();
    run_until(&mut net, &mut seen, |seen| seen.news.len() == 2);
    assert_eq!(seen.of(0), ["Io(ConnectionRefused)"]);
    assert_eq!(seen.of(1), [format!("{:?}", Gone::Refused(DialError::Status(403)))]);
    assert!(net.is_empty());
}

#[test]
fn a_child_speaks_in_lines() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    let client = net.adopt(stdin, stdout, 0).unwrap();
    net.send(client, "{\"a\": 1}");
    net.send(client, &"y".repeat(200_000));
    run_until(&mut net, &mut seen, |seen| seen.news.len() == 2);
    assert_eq!(seen.of(0)[0], "{\"a\": 1}");
    assert_eq!(seen.of(0)[1].len(), 200_000);
    net.hang_up(client);
    assert!(child.wait().unwrap().success());
}

#[test]
fn timers_come_in_order_and_none_early() {
    let mut net = TestNet::new().unwrap();
    let mut seen = Seen::default();
    let start = net.on_tick(Instant::now() + Duration::from_micros(1500));
    assert_eq!(net.on_tick(start), start);
    net.arm(start + Duration::from_millis(4), "second");
    let cancelled = net.arm(start + Duration::from_millis(1), "never");
    net.arm(start, "first");
    assert_eq!(net.cancel(cancelled), Some("never"));
    run_until(&mut net, &mut seen, |seen| seen.due.len() == 2);
    assert_eq!(seen.due.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["first", "second"]);
    assert!(seen.due[0].1 >= start && seen.due[1].1 >= start + Duration::from_millis(4));
}

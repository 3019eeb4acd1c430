//! What tools and model servers may do to a session: too much, too slowly, never, or in the middle of something.
//! Memory stays bounded, the error is said, and the session can be used after.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::scene::Scene;
use crate::support::DEADLINE;
use crate::support::proc::peak_rss;

/// More than everything else takes together; far below what is thrown at it.
const MEMORY_MAX: usize = 200 << 20;

#[track_caller]
fn assert_usable(scene: &mut Scene) {
    assert_eq!(scene.turn("SAY:Going on.").text(), "Going on.");
}

#[test]
fn a_tool_that_prints_and_prints() {
    let mut scene = Scene::new("");
    // An eighth of a gibibyte: a debug build is slow. More does not change what is kept.
    let command = "echo first; head -c 134217728 /dev/zero | tr '\\0' x; echo; echo last";
    scene.turn(&format!("TOOL:terminal {}", serde_json::json!({ "command": command })));
    let log = scene.log().to_owned();
    assert!(log.contains("first") && log.contains("last"), "{}", &log[..log.len().min(2_000)]);
    assert!(log.len() < 1 << 20, "{} bytes", log.len());
    let peak = peak_rss(scene.server.process.pid());
    assert!(peak < MEMORY_MAX, "{peak} bytes");
    assert_usable(&mut scene);
}

#[test]
fn a_child_that_ignores_the_signal_to_end() {
    let mut scene = Scene::new("");
    scene.submit(
        "TOOL:terminal {\"command\": \"trap '' TERM INT HUP; echo $$ > pid; while :; do sleep 1; done\"}",
    );
    scene.until("tool.start");
    let pid = pid(&scene);
    scene.interrupt();
    scene.finish();
    assert_gone(pid);
    assert_usable(&mut scene);
}

#[test]
fn a_child_s_child_that_runs_away() {
    let mut scene = Scene::new("");
    scene.submit(
        "TOOL:terminal {\"command\": \"(trap '' TERM; echo $BASHPID > pid; sleep 600) & sleep 600\"}",
    );
    scene.until("tool.start");
    let pid = pid(&scene);
    scene.interrupt();
    scene.finish();
    assert_gone(pid);
}

#[test]
fn a_time_limit_ends_a_command() {
    let mut scene = Scene::new("");
    scene.turn("TOOL:terminal {\"command\": \"echo $$ > pid; sleep 600\", \"timeout\": 1}");
    assert_gone(pid(&scene));
    assert!(scene.log().contains("timed out"), "{}", scene.log());
    assert_usable(&mut scene);
}

#[test]
fn sixteen_mebibytes_in_one_event() {
    let mut scene = Scene::new("agent:\n  api_max_retries: 1\n");
    let complete = scene.turn("HUGE=16777216");
    assert_eq!(complete.payload["status"], "error", "{}", &complete.text()[..100.min(complete.text().len())]);
    assert!(peak_rss(scene.server.process.pid()) < MEMORY_MAX);
    assert_usable(&mut scene);
}

#[test]
fn a_server_that_has_had_enough_for_ever() {
    let mut scene = Scene::new("agent:\n  api_max_retries: 2\n");
    let complete = scene.turn("STATUS=429 RETRY_AFTER=1");
    assert_eq!(complete.payload["status"], "error");
    assert!(complete.text().contains("429"), "{}", complete.text());
    assert_usable(&mut scene);
}

/// What a server begins an answer with.
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

#[test]
fn a_server_that_closes_in_the_middle_of_a_document() {
    let mut scene = Scene::new("agent:\n  api_max_retries: 1\n");
    let server = odd_server(&mut scene, |stream| {
        let _ = stream.write_all(HEAD);
        let _ = stream.write_all(b"data: {\"choices\": [{\"delta\": {\"cont");
    });
    let complete = scene.turn("SAY:never");
    assert_eq!(complete.payload["status"], "error", "{}", complete.text());
    server.put_away(&mut scene);
    assert_usable(&mut scene);
}

/// One byte, then nothing for longer than anybody waits: the person can stop it.
#[test]
fn a_server_that_drips() {
    let mut scene = Scene::new("");
    let server = odd_server(&mut scene, |stream| {
        let _ = stream.write_all(HEAD);
        let _ = stream.write_all(b"d");
        // Until the other side is gone.
        while stream.read(&mut [0; 16]).is_ok_and(|count| count > 0) {}
    });
    scene.submit("SAY:never");
    scene.until("message.start");
    server.asked.recv_timeout(DEADLINE).unwrap();
    scene.interrupt();
    scene.finish();
    server.put_away(&mut scene);
    assert_usable(&mut scene);
}

/// A model server that serves one request, and not well.
struct OddServer {
    /// Told when the request is there.
    asked: Receiver<()>,
    thread: JoinHandle<()>,
    /// The configuration that names the good one.
    config: String,
}

/// Puts it in the place of the scene's model server.
fn odd_server(scene: &mut Scene, answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> OddServer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = channel();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64 << 10]);
        let _ = tell.send(());
        answer(&mut stream);
    });
    let config = scene.server.home.read("config.yaml");
    let odd = config.replace(&format!("127.0.0.1:{}", scene.model.port), &format!("127.0.0.1:{port}"));
    // Of another length, so that it is seen within the same tick of the file system's clock.
    configure(scene, &format!("# odd\n{odd}"));
    OddServer { asked, thread, config }
}

fn configure(scene: &Scene, text: &str) {
    fs::write(scene.server.home.path().join("config.yaml"), text).unwrap();
}

impl OddServer {
    #[track_caller]
    fn put_away(self, scene: &mut Scene) {
        configure(scene, &self.config);
        self.thread.join().unwrap();
    }
}

/// The process id that a command wrote down.
#[track_caller]
fn pid(scene: &Scene) -> u32 {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Ok(pid) = scene.file("pid").trim().parse() {
            return pid;
        }
        assert!(Instant::now() < end, "the command does not start");
        thread::yield_now();
    }
}

#[track_caller]
fn assert_gone(pid: u32) {
    let end = Instant::now() + DEADLINE;
    // A zombie waits to be reaped; it runs no more.
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    while runs() {
        assert!(Instant::now() < end, "process {pid} still runs");
        thread::yield_now();
    }
}

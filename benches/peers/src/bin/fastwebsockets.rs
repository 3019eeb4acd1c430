//! fastwebsockets over a `BufWriter`: two tasks a connection, written by the batch and flushed once for each.
//! (Without the buffer it makes one system call a frame.)

use std::sync::mpsc::Sender;

use fastwebsockets::{FragmentCollectorRead, Frame, OpCode, Payload, Role, WebSocketError};
use fastwebsockets::{WebSocketRead, WebSocketWrite, after_handshake_split};
use peers::command::Command;
use peers::handshake::switch;
use peers::produce::{self, Sink};
use peers::queue::{self, AHEAD, BATCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Outcome = Result<(), WebSocketError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let orders = produce::start();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    peers::announce(listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, orders.clone()));
    }
}

async fn serve(mut stream: TcpStream, orders: Sender<(Command, Sink)>) -> Outcome {
    stream.set_nodelay(true)?;
    shake_hands(&mut stream).await?;
    let (read, write) = stream.into_split();
    let (reader, writer) =
        after_handshake_split(read, BufWriter::with_capacity(64 << 10, write), Role::Server);
    let (sender, queue) = mpsc::channel(AHEAD);
    tokio::spawn(send(writer, queue));
    receive(reader, sender, orders).await
}

async fn shake_hands(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
    stream.write_all(switch(key).as_bytes()).await
}

async fn receive(
    reader: WebSocketRead<OwnedReadHalf>,
    sender: mpsc::Sender<String>,
    orders: Sender<(Command, Sink)>,
) -> Outcome {
    let mut reader = FragmentCollectorRead::new(reader);
    loop {
        let frame = reader.read_frame(&mut |_| async { Ok::<(), WebSocketError>(()) }).await?;
        match frame.opcode {
            OpCode::Text => {
                let text = String::from_utf8_lossy(&frame.payload).into_owned();
                match Command::parse(&text) {
                    Some(command) => queue::order(&orders, command, sender.clone()),
                    None if sender.send(text).await.is_err() => return Ok(()),
                    None => {}
                }
            }
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}

async fn send(
    mut writer: WebSocketWrite<BufWriter<OwnedWriteHalf>>,
    mut queue: mpsc::Receiver<String>,
) -> Outcome {
    let mut batch = Vec::with_capacity(BATCH);
    // One copy into the buffer instead of a vector of two for each frame.
    writer.set_writev(false);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        for text in batch.drain(..) {
            writer.write_frame(Frame::text(Payload::Owned(text.into_bytes()))).await?;
        }
        writer.flush().await?;
    }
    Ok(())
}

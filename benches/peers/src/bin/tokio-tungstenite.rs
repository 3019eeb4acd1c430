//! tokio-tungstenite: a task a connection, small read buffers, fed by the batch and flushed once for each.

use std::sync::mpsc::Sender;

use futures_util::{SinkExt, StreamExt};
use peers::command::Command;
use peers::produce::{self, Sink};
use peers::queue::{self, AHEAD, BATCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

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

async fn serve(stream: TcpStream, orders: Sender<(Command, Sink)>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(64 << 10);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    let (sender, mut queue) = mpsc::channel(AHEAD);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => match Command::parse(&text) {
                    Some(command) => queue::order(&orders, command, sender.clone()),
                    None => socket.send(Message::Text(text)).await?,
                },
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            _ = queue.recv_many(&mut batch, BATCH) => send(&mut socket, &mut batch).await?,
        }
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, batch: &mut Vec<String>) -> Result<(), Error> {
    for text in batch.drain(..) {
        socket.feed(Message::text(text)).await?;
    }
    socket.flush().await
}

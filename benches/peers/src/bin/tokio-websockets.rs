//! tokio-websockets: a task a connection, fed by the batch and flushed once for each.

use std::sync::mpsc::Sender;

use futures_util::{SinkExt, StreamExt};
use peers::command::Command;
use peers::produce::{self, Sink};
use peers::queue::{self, AHEAD, BATCH};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_websockets::{Config, Error, Message, ServerBuilder, WebSocketStream};

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
    let config = Config::default().flush_threshold(64 << 10);
    let (_, mut socket) = ServerBuilder::new().config(config).accept(stream).await?;
    let (sender, mut queue) = mpsc::channel(AHEAD);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            message = socket.next() => match message.transpose()? {
                Some(message) => match message.as_text().map(|text| (text, Command::parse(text))) {
                    Some((_, Some(command))) => queue::order(&orders, command, sender.clone()),
                    Some((text, None)) => socket.send(Message::text(text.to_owned())).await?,
                    None => {}
                },
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

"""The original's own transport, hermes_agent's tui_gateway.ws.WSTransport, unmodified under FastAPI and uvicorn;
or, with `plain` as argument, websockets under uvicorn without it. Speaks the commands of src/command.rs.

The producer is a thread, as the original's agents are. `BURN threads seconds` starts threads that compute.
"""

import asyncio
import json
import queue
import socket
import sys
import threading
import time

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

AHEAD = 1024
ORDERS = queue.SimpleQueue()
app = FastAPI()


def event(number):
    # With the blanks of json.dumps this has 130 bytes.
    return {"jsonrpc": "2.0", "method": "event", "params": {
        "type": "message.delta", "session_id": "1", "payload": {"text": f"{number:010} t"}}}


def produce():
    """Serves all orders (emit, flushes/s or 0, pieces, flushes); those of one period share its beats."""
    origin = time.monotonic()
    paced = []
    while True:
        try:
            due = min((work[0] for work in paced), default=None)
            timeout = None if due is None else max(0, due - time.monotonic())
            emit, rate, pieces, flushes = ORDERS.get(timeout=timeout)
            if rate == 0:
                for number in range(pieces):
                    emit(number)
            else:
                beat = int((time.monotonic() - origin) * rate) + 1
                paced.append([origin + beat / rate, emit, rate, pieces, flushes, 0])
        except queue.Empty:
            pass
        now = time.monotonic()
        for work in paced:
            due, emit, rate, pieces, flushes, number = work
            if due <= now:
                for offset in range(pieces):
                    emit(number + offset)
                work[0], work[4], work[5] = due + 1 / rate, flushes - 1, number + pieces
        paced = [work for work in paced if work[4]]


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def command(text, emit):
    """Carries out a command; false for a call."""
    words = text.split()
    if words[0] == "FLOOD":
        ORDERS.put((emit, 0, int(words[1]), 1))
    elif words[0] == "PACE":
        rate, pieces, seconds = map(int, words[1:])
        ORDERS.put((emit, rate, pieces, rate * seconds))
    elif words[0] == "BURN":
        for _ in range(int(words[1])):
            threading.Thread(target=burn, args=(int(words[2]),), daemon=True).start()
    else:
        return False
    return True


def set_nodelay(ws):
    transport = (ws.scope.get("extensions") or {}).get("transport")
    sock = transport and transport.get_extra_info("socket")
    if sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def dispatch(request):
    return {"jsonrpc": "2.0", "id": request["id"], "result": request["params"]}


@app.websocket("/original")
async def original(ws: WebSocket):
    from tui_gateway.ws import WSTransport
    await ws.accept()
    set_nodelay(ws)
    transport = WSTransport(ws, asyncio.get_running_loop())
    try:
        while True:
            text = await ws.receive_text()
            if not command(text, lambda number: transport.write(event(number))):
                # As handle_ws does it.
                answer = await asyncio.to_thread(dispatch, json.loads(text))
                await transport.write_async(answer)
    except WebSocketDisconnect:
        transport.close()


@app.websocket("/plain")
async def plain(ws: WebSocket):
    """What a competent user writes: a bounded queue, and a task that sends what is there."""
    await ws.accept()
    set_nodelay(ws)
    loop = asyncio.get_running_loop()
    room = threading.Semaphore(AHEAD)
    waiting, lock, ready = [], threading.Lock(), asyncio.Event()

    def emit(number):
        room.acquire()
        text = json.dumps(event(number))
        with lock:
            waiting.append(text)
            first = len(waiting) == 1
        if first:
            loop.call_soon_threadsafe(ready.set)

    async def send():
        nonlocal waiting
        while True:
            await ready.wait()
            ready.clear()
            with lock:
                batch, waiting = waiting, []
            for text in batch:
                await ws.send_text(text)
            room.release(len(batch))

    sender = asyncio.create_task(send())
    try:
        while True:
            text = await ws.receive_text()
            if not command(text, emit):
                await ws.send_text(text)
    except WebSocketDisconnect:
        room.release(1 << 30)
        sender.cancel()


def main():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    threading.Thread(target=produce, daemon=True).start()
    print("PORT", sock.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="warning", ws="websockets", ws_per_message_deflate=False)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    sys.exit(main())

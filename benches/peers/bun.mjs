// A server on Bun, whose WebSocket is uWebSockets. Flushes are corked; the frames are made on the loop.

import { pace, parse, text } from "./frames.mjs";

const SLICE = 488; // Frames of one cork of a flood: 64 KiB.
const HIGH = 1 << 20; // Bytes that may wait in a flood's socket.

function send(ws, first, count) {
  ws.cork(() => {
    for (let n = first; n < first + count; n++) ws.sendText(text(n));
  });
}

function more(ws) {
  const flood = ws.data.flood;
  while (flood && flood.next < flood.count) {
    if (ws.getBufferedAmount() > HIGH) return; // `drain` calls again.
    const slice = Math.min(SLICE, flood.count - flood.next);
    send(ws, flood.next, slice);
    flood.next += slice;
  }
  ws.data.flood = null;
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (server.upgrade(request, { data: { flood: null } })) return;
    return new Response("", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 64 << 20,
    message(ws, message) {
      const command = parse(message);
      if (!command) ws.sendText(message);
      else if (command.count !== undefined) {
        ws.data.flood = { next: 0, count: command.count };
        more(ws);
      } else pace(command, (first, count) => send(ws, first, count));
    },
    drain: more,
  },
});
console.log("PORT", server.port);

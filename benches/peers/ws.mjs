// A server on npm's `ws`. With `cork` as argument each flush is corked, so that it leaves in one system call;
// without, `ws` makes one a frame. The frames are made on the loop: node has no other thread for it.

import { WebSocketServer } from "ws";
import { pace, parse, text } from "./frames.mjs";

const CORK = process.argv[2] === "cork";
const SLICE = 488; // Frames of one turn of a flood: 64 KiB.

function send(ws, first, count) {
  const socket = ws._socket;
  if (!socket) return;
  if (CORK) socket.cork();
  for (let n = first; n < first + count; n++) ws.send(text(n));
  if (CORK) socket.uncork();
}

function flood(ws, count) {
  let next = 0;
  const more = () => {
    while (next < count && ws._socket) {
      const slice = Math.min(SLICE, count - next);
      send(ws, next, slice);
      next += slice;
      if (ws._socket.writableNeedDrain) return void ws._socket.once("drain", more);
    }
  };
  more();
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false }, () => {
  console.log("PORT", server.address().port);
});
server.on("connection", (ws) => {
  ws._socket.setNoDelay(true);
  ws.on("error", () => {});
  ws.on("message", (data) => {
    const message = data.toString();
    const command = parse(message);
    if (!command) ws.send(message);
    else if (command.count !== undefined) flood(ws, command.count);
    else pace(command, (first, count) => send(ws, first, count));
  });
});

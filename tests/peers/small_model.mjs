#!/usr/bin/env node
// A real, small language model behind the chat-completions API, on loopback: node-llama-cpp (llama.cpp's
// binaries from the npm registry) and a GGUF file. Text only: a model of this size cannot call tools.
//
//   small_model.mjs MODEL.gguf [PORT]
//
// Prints PORT=… once it listens. node-llama-cpp is looked for in NODE_LLAMA, a directory with node_modules.

import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const CONTEXT_TOKENS = 4096;
const ANSWER_TOKENS = 96;
// More than there are cores makes it slower by far: they wait for each other spinning.
const THREADS = Number(process.env.THREADS ?? 1);
const BODY_BYTES_MAX = 4 << 20;

const [file, port = "0"] = process.argv.slice(2);
if (!file) {
  console.error("usage: small_model.mjs MODEL.gguf [PORT]");
  process.exit(2);
}

const from = createRequire(path.join(process.env.NODE_LLAMA ?? process.cwd(), "package.json"));
const { getLlama, LlamaChatSession } = await import(pathToFileURL(from.resolve("node-llama-cpp")));

const llama = await getLlama({ gpu: false, build: "never", progressLogs: false });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize: CONTEXT_TOKENS, threads: THREADS });
const sequence = context.getSequence();

// One conversation at a time: there is one sequence.
let last = Promise.resolve();

const server = http.createServer((request, response) => {
  if (request.method !== "POST" || !request.url.endsWith("/chat/completions")) {
    return response.writeHead(404).end();
  }
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) {
      return request.destroy();
    }
    chunks.push(chunk);
  });
  request.on("end", () => {
    last = last.then(() => answer(Buffer.concat(chunks), response)).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
});

async function answer(body, response) {
  const asked = JSON.parse(body);
  const history = [];
  for (const { role, content } of asked.messages.slice(0, -1)) {
    if (role === "system") {
      history.push({ type: "system", text: text(content) });
    } else if (role === "user") {
      history.push({ type: "user", text: text(content) });
    } else if (role === "assistant") {
      history.push({ type: "model", response: [text(content)] });
    }
  }
  const prompt = text(asked.messages.at(-1).content);
  await sequence.clearHistory();
  const session = new LlamaChatSession({ contextSequence: sequence });
  session.setChatHistory(history);

  const id = `chatcmpl-${Date.now()}`;
  const stop = new AbortController();
  response.on("close", () => stop.abort());
  const line = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const chunk = (delta, finish_reason = null) =>
    line({ id, object: "chat.completion.chunk", model: asked.model, choices: [{ index: 0, delta, finish_reason }] });
  let said = "";
  if (asked.stream) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    chunk({ role: "assistant", content: "" });
  }
  await session.prompt(prompt, {
    maxTokens: Math.min(asked.max_tokens ?? ANSWER_TOKENS, ANSWER_TOKENS),
    temperature: 0.2,
    signal: stop.signal,
    stopOnAbortSignal: true,
    onTextChunk(piece) {
      said += piece;
      if (asked.stream) {
        chunk({ content: piece });
      }
    },
  });
  const usage = { prompt_tokens: sequence.nextTokenIndex, completion_tokens: model.tokenize(said).length };
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  if (asked.stream) {
    chunk({}, "stop");
    line({ id, object: "chat.completion.chunk", model: asked.model, choices: [], usage });
    response.end("data: [DONE]\n\n");
  } else {
    const message = { role: "assistant", content: said };
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ id, model: asked.model, choices: [{ index: 0, message, finish_reason: "stop" }], usage }));
  }
  session.dispose({ disposeSequence: false });
}

// Content is text, or parts of which some are text.
function text(content) {
  return typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("\n");
}

server.listen(Number(port), "127.0.0.1", () => console.log(`PORT=${server.address().port}`));

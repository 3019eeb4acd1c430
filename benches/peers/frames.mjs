// The frames and commands of src/frame.rs and src/command.rs, for the servers in JavaScript.

const PREFIX = '{"jsonrpc":"2.0","method":"event","params":{"type":"message.delta",'
  + '"session_id":"00000001","payload":{"text":"';

/** The text with that number: 130 bytes. */
export const text = (number) => `${PREFIX}${String(number).padStart(10, "0")} token"}}}`;

/** {count} of a flood, {flushes, frames, seconds} of a paced stream, or null for a call. */
export function parse(message) {
  const [name, ...words] = message.split(" ");
  const numbers = words.map(Number);
  if (name === "FLOOD") return { count: numbers[0] };
  if (name === "PACE") return { flushes: numbers[0], frames: numbers[1], seconds: numbers[2] };
  return null;
}

const clocks = new Map();

/** Calls `send(first, count)` once a flush; all streams of one rate share a timer. */
export function pace({ flushes, frames, seconds }, send) {
  let clock = clocks.get(flushes);
  if (!clock) {
    clock = { streams: [], start: performance.now(), beats: 0 };
    clocks.set(flushes, clock);
    const beat = () => {
      clock.beats += 1;
      clock.streams = clock.streams.filter((stream) => {
        stream.send(stream.number, stream.frames);
        stream.number += stream.frames;
        stream.left -= 1;
        return stream.left > 0;
      });
      if (clock.streams.length === 0) return void clocks.delete(flushes);
      setTimeout(beat, clock.start + (clock.beats + 1) * 1000 / flushes - performance.now());
    };
    setTimeout(beat, 1000 / flushes);
  }
  clock.streams.push({ send, frames, number: 0, left: flushes * seconds });
}

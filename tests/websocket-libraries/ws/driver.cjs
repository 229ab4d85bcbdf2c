// The WebSocket protocol through the library ws, as its users meet it: fragments, pings, closing
// codes, the opt-outs that it has for masking, and a few frames that it must be made to send.
//
// Prints how many cases there were, and what was wrong, as one line of JSON.
"use strict";

const assert = require("node:assert");
const WebSocket = require("ws");

const LIMIT = 4 * 1024 * 1024;
const PATIENCE = 20_000;
const { WS_URL, WS_TOKEN } = process.env;

const request = (id) => JSON.stringify({ id, method: "account/read" });

/** A connection that has introduced itself, and what comes over it. */
async function introduced() {
  const socket = new WebSocket(WS_URL, { headers: { Authorization: `Bearer ${WS_TOKEN}` } });
  const events = [];
  let wake = () => {};
  const note = (...event) => {
    events.push(event);
    wake();
  };
  socket.on("message", (data) => note("answer", JSON.parse(data).id));
  socket.on("pong", (data) => note("pong", data.toString()));
  socket.on("close", (code, reason) => note("close", code, reason.toString()));
  // What went wrong shows in the code of the closing.
  socket.on("error", () => {});
  const next = async () => {
    const late = setTimeout(() => note("late"), PATIENCE);
    while (events.length === 0) await new Promise((resolve) => (wake = resolve));
    clearTimeout(late);
    return events.shift();
  };
  await new Promise((resolve, reject) => {
    socket.once("open", resolve).once("error", reject);
  });
  assert.equal(socket.extensions, "", "no extension is taken up");
  const clientInfo = { name: "ws", version: "1.0" };
  socket.send(JSON.stringify({ id: 0, method: "initialize", params: { clientInfo } }));
  assert.deepEqual(await next(), ["answer", 0]);
  return { socket, next };
}

/** Has the server close the connection, for this reason. */
const closedFor = (code, send) => async ({ socket, next }) => {
  send(socket);
  const event = await next();
  assert.deepEqual(event.slice(0, 2), ["close", code]);
};

/** Sends a frame that the library would not send. */
const forced = (data, options) => (socket) => {
  const frame = { fin: true, mask: true, opcode: 1, readOnly: false, ...options };
  for (const part of WebSocket.Sender.frame(Buffer.from(data), frame)) socket._socket.write(part);
};

const cases = {
  async fragments({ socket, next }) {
    const text = request("κόσμε");
    for (const size of [1, 7, text.length]) {
      for (let at = 0; at < text.length; at += size) {
        socket.send(text.slice(at, at + size), { fin: at + size >= text.length });
      }
      assert.deepEqual(await next(), ["answer", "κόσμε"]);
    }
  },
  async pings({ socket, next }) {
    for (const payload of ["", "hello", "x".repeat(125)]) {
      socket.ping(payload);
      assert.deepEqual(await next(), ["pong", payload]);
    }
    socket.pong("unasked");
    socket.send(request(1));
    assert.deepEqual(await next(), ["answer", 1]);
  },
  async "a ping between fragments"({ socket, next }) {
    socket.send('{"id":1,', { fin: false });
    socket.ping("between");
    assert.deepEqual(await next(), ["pong", "between"]);
    socket.send('"method":"account/read"}', { fin: true });
    assert.deepEqual(await next(), ["answer", 1]);
  },
  async "a compressed message is not asked for"({ socket, next }) {
    socket.send(request(1).padEnd(100_000), { compress: true });
    assert.deepEqual(await next(), ["answer", 1]);
  },
  async "the longest message"({ socket, next }) {
    socket.send(request(1).padEnd(LIMIT));
    assert.deepEqual(await next(), ["answer", 1]);
  },
  async "a longer one"({ socket, next }) {
    socket.send(request(1).padEnd(LIMIT + 1));
    assert.deepEqual(await next(), ["answer", null]);
    assert.deepEqual((await next()).slice(0, 2), ["close", 1009]);
  },
  "a binary message": closedFor(1003, (socket) => socket.send(Buffer.from(request(1)))),
  "no mask": closedFor(1002, (socket) => socket.send(request(1), { mask: false })),
  "no UTF-8": closedFor(1007, (socket) => socket.send(Buffer.from([0xff]), { binary: false })),
  "a reserved bit": closedFor(1002, forced(request(1), { rsv1: true })),
  "a reserved opcode": closedFor(1002, forced(request(1), { opcode: 3 })),
  "a reserved control opcode": closedFor(1002, forced("", { opcode: 11 })),
  "a fragment of nothing": closedFor(1002, forced(request(1), { opcode: 0 })),
  "half a ping": closedFor(1002, forced("x", { opcode: 9, fin: false })),
  "a long ping": closedFor(1002, forced("x".repeat(126), { opcode: 9 })),
  "half a closing code": closedFor(1002, forced("x", { opcode: 8 })),
};
for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) {
  cases[`closing with ${code}`] = closedFor(code, (socket) => socket.close(code, "goodbye"));
}

async function main() {
  const wrong = [];
  for (const [name, run] of Object.entries(cases)) {
    const client = await introduced();
    try {
      await run(client);
    } catch (error) {
      wrong.push(`${name}: ${error.message}`.slice(0, 400));
    }
    client.socket.terminate();
  }
  console.log(JSON.stringify({ cases: Object.keys(cases).length, wrong }));
}

main();

// Splitting bytes into lines, and queued bytes.

import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";

import { LineSplitter } from "#internal/lines.js";
import { Outbox } from "#internal/outbox.js";

test("lines are the same wherever the bytes are cut", () => {
  const text = "é€😀\r\n\nlast \u0000 one\nno line break";
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    for (let start = 0; start < bytes.length; start += size) splitter.push(bytes.subarray(start, start + size));
    splitter.end();
    assert.deepEqual(lines, ["é€😀", "", "last \u0000 one", "no line break"]);
  }
});

test("no more is written than the stream wants to hold; the rest waits in order", async () => {
  const written: string[] = [];
  let goOn = (): void => {};
  const stream = new Writable({
    highWaterMark: 10,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString().trim());
      goOn = done;
    },
  });
  const outbox = new Outbox(stream);
  const takeBack = ["1234567890", "two", "three", "four"].map((line) => outbox.send(line));
  assert.equal(stream.writableLength, 11, "the first line fills the stream");
  assert.equal(takeBack[2]?.(), true, "a line that waits can be taken back");
  assert.equal(takeBack[0]?.(), false, "one that was written cannot");
  while (written.length < 3) {
    goOn();
    await new Promise((next) => setImmediate(next));
  }
  assert.deepEqual(written, ["1234567890", "two", "four"]);
});

test("a broken pipe is no error here", async () => {
  const stream = new PassThrough();
  const outbox = new Outbox(stream);
  stream.destroy(new Error("EPIPE"));
  await new Promise((next) => setImmediate(next));
  assert.equal(outbox.send("line")(), false);
});

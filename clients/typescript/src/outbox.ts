// Lines queued until the other side reads again.

import type { Writable } from "node:stream";

/** Writes to a stream up to its high-water mark, and queues the rest, in order (back-pressure). */
export class Outbox {
  readonly #stream: Writable;
  readonly #waiting = new Set<{ readonly line: string }>();
  #isFull = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // A broken pipe also ends the process, which is reported elsewhere.
    stream.on("error", () => this.#waiting.clear());
    stream.on("drain", () => {
      this.#isFull = false;
      this.#writeOut();
    });
  }

  /** Adds a line. Returns a function that removes the line, if it is still queued. */
  send(line: string): () => boolean {
    const entry = { line };
    this.#waiting.add(entry);
    this.#writeOut();
    return () => this.#waiting.delete(entry);
  }

  #writeOut(): void {
    if (!this.#stream.writable) this.#waiting.clear();
    for (const entry of this.#waiting) {
      if (this.#isFull) return;
      this.#waiting.delete(entry);
      this.#isFull = !this.#stream.write(`${entry.line}\n`);
    }
  }
}

// Lines that wait until the other side reads again.

import type { Writable } from "node:stream";

/** Writes to a stream no more than it wants to hold, and keeps the rest, in order. */
export class Outbox {
  readonly #stream: Writable;
  readonly #waiting = new Set<{ readonly line: string }>();
  #isFull = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // A broken pipe shows as the end of the process, too; that is where it is told.
    stream.on("error", () => this.#waiting.clear());
    stream.on("drain", () => {
      this.#isFull = false;
      this.#writeOut();
    });
  }

  /** Adds a line. The function that it returns takes the line back, if it still waits. */
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

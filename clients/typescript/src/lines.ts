// Splits chunks of bytes into lines of text.

const LINE_FEED = 0x0a;

/**
 * Passes each complete line to `take`. Lines are split before decoding, so a character may span
 * chunks, and a long line is concatenated once.
 */
export class LineSplitter {
  readonly #take: (line: string) => void;
  readonly #most: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** The rest of a line longer than `most` bytes is dropped. */
  constructor(take: (line: string) => void, most = Infinity) {
    this.#take = take;
    this.#most = most;
  }

  /** Adds the next chunk. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      this.#keep(chunk.subarray(start, end));
      this.#flush();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Passes an unterminated last line on, if there is one. */
  end(): void {
    if (this.#pieces.length > 0) this.#flush();
  }

  #keep(piece: Uint8Array): void {
    const room = this.#most - this.#length;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    this.#length += kept.length;
    this.#pieces.push(kept);
  }

  #flush(): void {
    const line = Buffer.concat(this.#pieces).toString("utf8");
    this.#pieces = [];
    this.#length = 0;
    this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

// Splits chunks of bytes into lines of text.

const LINE_FEED = 0x0a;

/**
 * Passes each complete line to `take`. Lines are split before decoding, so a character may span
 * chunks, and a long line is concatenated once.
 */
export class LineSplitter {
  readonly #take: (line: string) => void;
  #pieces: Uint8Array[] = [];

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Adds the next chunk. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      this.#pieces.push(chunk.subarray(start, end));
      this.#flush();
      start = end + 1;
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
  }

  /** Passes an unterminated last line on, if there is one. */
  end(): void {
    if (this.#pieces.length > 0) this.#flush();
  }

  #flush(): void {
    const line = Buffer.concat(this.#pieces).toString("utf8");
    this.#pieces = [];
    this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

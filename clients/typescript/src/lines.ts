// From chunks of bytes to lines of text.

const LINE_FEED = 0x0a;

/**
 * Gives each whole line to `take`. Lines are cut before they are decoded, so a character may be
 * split over chunks, and a long line is put together once.
 */
export class LineSplitter {
  readonly #take: (line: string) => void;
  #pieces: Uint8Array[] = [];

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Takes the next chunk. */
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

  /** Gives what stands after the last line break, if there is something. */
  end(): void {
    if (this.#pieces.length > 0) this.#flush();
  }

  #flush(): void {
    const line = Buffer.concat(this.#pieces).toString("utf8");
    this.#pieces = [];
    this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

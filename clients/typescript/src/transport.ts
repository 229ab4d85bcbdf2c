// The interface between a connection and the process.

/** How a process ended: with a status, or by a signal. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The program, and its last output, without secrets. */
export interface Launched {
  readonly command: string;
  readonly args: readonly string[];
  /** The last lines of its standard error, the latest last. */
  readonly lastLog: readonly string[];
}

/** The transport of lines. */
export interface Transport {
  /** The program, with its output so far. */
  readonly launched: Launched;
  /** The process id. */
  readonly pid: number | undefined;
  /** Resolves when the process has ended and all its output was read. */
  readonly ended: Promise<ExitStatus>;
  /** Passes the lines of the other side to `take`, from the first one on. */
  listen(take: (line: string) => void): void;
  /**
   * Writes one line, now or when the other side reads again. Returns a function that removes the
   * line and returns whether it was still queued.
   */
  send(line: string): () => boolean;
  /** Ends the process. */
  close(): void;
}

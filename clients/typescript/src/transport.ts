// What a connection needs from the process at its other end.

/** How a process ended: by itself with a status, or by a signal. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Where lines go to and come from. */
export interface Transport {
  /** The process id. */
  readonly pid: number | undefined;
  /** Resolves when the process has ended and all that it wrote was read. */
  readonly ended: Promise<ExitStatus>;
  /** Gives the lines of the other side to `take`, from the first one on. */
  listen(take: (line: string) => void): void;
  /**
   * Writes one line now, or when the other side reads again. Returns a function that takes the
   * line back and says whether it was still here.
   */
  send(line: string): () => boolean;
  /** Ends the process. */
  close(): void;
}

// Runs a command to its end, with a timeout and bounded output.

import { type ChildProcess, spawn } from "node:child_process";

import { TokenProviderError } from "../errors.js";
import { LineSplitter } from "../lines.js";
import { redact } from "../redact.js";

/** Options of a command. */
export interface Run {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called with each line of its standard error, redacted. */
  readonly onLog: ((line: string) => void) | undefined;
}

const MOST_OUTPUT_BYTES = 1_048_576;
const MOST_LOG_LINE_BYTES = 65_536;

/** Runs the command to its end and returns its output. */
export function run(command: string, args: readonly string[], options: Run): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
      // In a process group, so that all its descendants end with it.
      detached: process.platform !== "win32",
      env: options.environment,
      ...(options.workingDirectory !== undefined && { cwd: options.workingDirectory }),
    });
    const chunks: Buffer[] = [];
    let length = 0;
    const log = new LineSplitter((line) => options.onLog?.(`[token command] ${redact(line)}`), MOST_LOG_LINE_BYTES);
    child.stderr.on("data", (chunk: Buffer) => log.push(chunk));
    const stop = (what: string): void => {
      finish();
      end(child);
      reject(problem(command, what));
    };
    const timer = setTimeout(() => stop(`took longer than ${options.timeoutMs} ms`), options.timeoutMs);
    const giveUp = (): void => stop("was cancelled, because no call waits for it any more");
    const finish = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", giveUp);
    };
    if (options.signal?.aborted === true) giveUp();
    else options.signal?.addEventListener("abort", giveUp, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > MOST_OUTPUT_BYTES) stop("printed more than a megabyte");
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      finish();
      reject(problem(command, `cannot be started (${error.code ?? "for an unknown reason"})`));
    });
    child.once("close", (code, signal) => {
      finish();
      log.end();
      if (code === 0) resolve(Buffer.concat(chunks).toString("utf8"));
      else reject(problem(command, signal === null ? `ended with status ${code}` : `was ended by ${signal}`));
    });
  });
}

/** Ends a command and its descendants. */
function end(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill();
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has exited by itself.
  }
}

/** The failure of a command. */
export function problem(command: string, what: string): TokenProviderError {
  return new TokenProviderError(
    `The token command \`${command}\` ${what}. \`onLog\` is given what it writes to standard error.`,
  );
}

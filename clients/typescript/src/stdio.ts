// The server as a child process: lines over its standard input and output.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import { ServerNotFoundError } from "./errors.js";
import { LineSplitter } from "./lines.js";
import { Outbox } from "./outbox.js";
import { redact, redactArguments, Tail } from "./redact.js";
import type { ExitStatus, Launched, Transport } from "./transport.js";

/** What to start, and the consumers of its output. */
export interface StdioOptions {
  readonly command: string;
  /** The searched places. */
  readonly searched: readonly string[];
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  readonly workingDirectory: string | undefined;
  readonly onLog: ((line: string) => void) | undefined;
}

/** After the end of its input, a server that still runs gets SIGTERM, then SIGKILL. */
const TERMINATE_AFTER_MS = 500;
const KILL_AFTER_MS = 1_500;
/** For reading the rest of the pipes of an ended process, or ending one without pipes. */
const LEFTOVERS_MS = 500;

/** The rest of a longer line of the log is dropped. */
const MOST_LOG_LINE_BYTES = 65_536;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts the program. */
export async function startProcess(options: StdioOptions): Promise<Transport> {
  const child = spawn(options.command, options.args, {
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    ...(options.environment && { env: options.environment }),
    ...(options.workingDirectory !== undefined && { cwd: options.workingDirectory }),
  });
  const transport = new Process(child, options);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(new ServerNotFoundError(options.searched, problemOf(error.code), transport.launched));
    });
  });
  return transport;
}

class Process implements Transport {
  readonly ended: Promise<ExitStatus>;
  readonly #child: Child;
  readonly #outbox: Outbox;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #tail = new Tail();
  readonly #command: string;
  readonly #args: readonly string[];

  constructor(child: Child, { command, args, onLog }: StdioOptions) {
    this.#child = child;
    this.#command = redact(command);
    this.#args = redactArguments(args);
    this.#outbox = new Outbox(child.stdin);
    readLines(child.stderr, (line) => {
      this.#tail.push(line);
      onLog?.(line);
    }, MOST_LOG_LINE_BYTES);
    this.ended = new Promise((resolve) => {
      child.once("close", (code: number | null, signal: string | null) => {
        for (const timer of this.#timers) clearTimeout(timer);
        resolve({ code, signal });
      });
    });
    // A child of the server may hold its pipes open.
    child.once("exit", () => {
      this.#later(LEFTOVERS_MS, () => {
        child.stdout.destroy();
        child.stderr.destroy();
      });
    });
    // A server whose output is closed is useless.
    child.stdout.once("close", () => this.#later(LEFTOVERS_MS, () => child.kill("SIGKILL")));
    child.on("error", () => {});
  }

  get launched(): Launched {
    return { command: this.#command, args: this.#args, lastLog: this.#tail.lines() };
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  listen(take: (line: string) => void): void {
    readLines(this.#child.stdout, take);
  }

  send(line: string): () => boolean {
    return this.#outbox.send(line);
  }

  close(): void {
    this.#child.stdin.end();
    this.#later(TERMINATE_AFTER_MS, () => this.#child.kill("SIGTERM"));
    this.#later(KILL_AFTER_MS, () => this.#child.kill("SIGKILL"));
  }

  #later(milliseconds: number, act: () => void): void {
    this.#timers.push(setTimeout(act, milliseconds).unref());
  }
}

function readLines(stream: Readable, take: (line: string) => void, most?: number): void {
  const lines = new LineSplitter(take, most);
  stream.on("data", (chunk: Buffer) => lines.push(chunk));
  stream.once("end", () => lines.end());
  stream.on("error", () => {});
}

function problemOf(code: string | undefined): string {
  switch (code) {
    case "ENOENT":
      return "was not found";
    case "EACCES":
      return "may not be executed";
    default:
      return `cannot be started (${code ?? "for an unknown reason"})`;
  }
}

// Checks whether a program that ended early is byokey at all: there are others called `byokey`.

import { execFile } from "node:child_process";

import { ConnectionClosedError, ServerNotFoundError } from "./errors.js";
import type { Found } from "./discovery.js";
import { redact } from "./redact.js";

const TIMEOUT_MS = 2_000;
/** Exit codes of programs that do not understand their arguments. */
const USAGE_STATUSES: readonly unknown[] = [1, 2, 64];
const NOT_UNDERSTOOD = /unrecogni[sz]ed|unknown|invalid|unexpected|usage|no such/i;
const OURS = /\(byokey [^)]*\)|^codex/;

/**
 * Returns a better error for a program that ended before it answered, if it is another program.
 */
export async function explainEnd(error: unknown, found: Found): Promise<unknown> {
  if (!(error instanceof ConnectionClosedError) || error.closedHere) return error;
  if (!USAGE_STATUSES.includes(error.exit?.code) || !error.lastLog.some((line) => NOT_UNDERSTOOD.test(line))) {
    return error;
  }
  const version = await versionOf(found.command);
  if (version === undefined || OURS.test(version)) return error;
  const problem = `is another program${version === "" ? "" : `, which calls itself "${redact(version)}"`}`;
  return new ServerNotFoundError(found.searched, problem, error);
}

/** Returns the first line of a program's version output; `undefined` after a timeout. */
function versionOf(command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 65_536, windowsHide: true, encoding: "utf8" } as const;
    const child = execFile(command, ["--version"], options, (error, stdout) => {
      const hasRun = error === null || typeof error.code === "number";
      resolve(hasRun ? (stdout.split("\n")[0] ?? "").trim() : undefined);
    });
    child.stdin?.end();
  });
}

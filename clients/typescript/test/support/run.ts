// Runs a program to its end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

import { within } from "./wait.js";

/** Returns a program's output; it must exit with status 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; limit?: number; isQuiet?: boolean } = {},
): Promise<string> {
  const { limit = 60_000, isQuiet = false, ...how } = options;
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...how });
  try {
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    const [output, problems, [status]] = await within(ended, `the end of ${command}`, limit);
    if (status !== 0 || (isQuiet && problems !== "")) {
      throw new Error(`${command} ended with ${status}: ${output}${problems}`);
    }
    return output;
  } finally {
    child.kill("SIGKILL");
  }
}

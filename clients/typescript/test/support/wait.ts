// Waiting with a timeout.

import { setTimeout as sleep } from "node:timers/promises";

import type { ByokeyClient } from "@byokey/client";

const LIMIT_MS = 20_000;

/** Awaits `promise`, with an error that names what did not arrive. */
export async function within<T>(promise: PromiseLike<T>, what: string, limit = LIMIT_MS): Promise<T> {
  const over = new AbortController();
  const late = sleep(limit, undefined, { signal: over.signal }).then(
    () => {
      throw new Error(`${what} did not come in time`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
  }
}

/** Closes a client. One that does not end in time is killed here, which is a failure. */
export async function close(client: ByokeyClient): Promise<void> {
  const { pid } = client;
  try {
    await within(client.close(), "the end of the server", 3_000);
    if (pid === undefined || isRunning(pid)) throw new Error("the server still runs");
  } finally {
    if (pid !== undefined && isRunning(pid)) process.kill(pid, "SIGKILL");
  }
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} did not come in time`);
    await sleep(5);
  }
}

/** Whether a process exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// Waiting, not for ever.

import { setTimeout as sleep } from "node:timers/promises";

const LIMIT_MS = 20_000;

/** What `promise` gives, or an error that says what did not come. */
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

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what} did not come in time`);
    await sleep(5);
  }
}

/** Whether a process is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

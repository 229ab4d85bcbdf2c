// What the test set up for this driver, and checks that say what was seen.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

/** Two made-up API keys. The backend takes each of them twice and refuses it from then on. */
export const { BYOKEY_BIN, FIRST_KEY, SECOND_KEY } = process.env;

/** Prints what was seen; ends the driver if it is not what was expected. */
export function check(what, seen, expected) {
  const text = JSON.stringify(seen);
  if (!isDeepStrictEqual(seen, expected)) {
    console.log(`WRONG ${what}\n  seen     ${text}\n  expected ${JSON.stringify(expected)}`);
    process.exit(1);
  }
  console.log(`ok ${what}: ${text}`);
}

/** The ids of the processes that this one has started. */
export function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

/** Whether a process runs; one that only waits for its exit code to be read does not. */
export function runs(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}

export const pause = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

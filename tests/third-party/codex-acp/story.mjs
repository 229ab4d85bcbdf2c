// The environment from the test, and checks that print what was seen.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

/** Two fake API keys. The backend accepts each of them twice and refuses it from then on. */
export const { BYOKEY_BIN, FIRST_KEY, SECOND_KEY } = process.env;

/** Prints the value; fails the driver if it is not the expected one. */
export function check(what, seen, expected) {
  const text = JSON.stringify(seen);
  if (!isDeepStrictEqual(seen, expected)) {
    console.log(`WRONG ${what}\n  seen     ${text}\n  expected ${JSON.stringify(expected)}`);
    process.exit(1);
  }
  console.log(`ok ${what}: ${text}`);
}

/** The ids of the child processes. */
export function childrenOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

/** Whether a process runs; a zombie does not. */
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

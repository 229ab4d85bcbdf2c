// Checks that no token appears in anything that could be logged.

import assert from "node:assert/strict";
import { inspect } from "node:util";

/** Fails if one of the secrets is in any representation of `value`. */
export function showsNone(value: unknown, secrets: Iterable<string>): void {
  const all = { depth: Infinity, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity };
  const shown = [String(value), inspect(value), inspect(value, all), JSON.stringify(value) ?? ""];
  if (value instanceof Error) shown.push(value.message, value.stack ?? "");
  for (const secret of secrets) {
    assert.ok(!shown.some((text) => text.includes(secret)), "a secret shows");
  }
}

/** Logins that were never stored. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { strays } from "../src/strays.js";

test("an old login that no account has is a stray; one of an account or of this hour is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "byokey-strays-"));
  const now = Date.now();
  try {
    assert.deepEqual(await strays(join(folder, "nowhere"), { list: async () => [] }, now), []);
    for (const [name, hours] of [["used", 9], ["stray", 2], ["new", 0.5]] as const) {
      mkdirSync(join(folder, name));
      utimesSync(join(folder, name), new Date(now), new Date(now - hours * 3_600_000));
    }
    const used = { key: "", label: "", workspace: "", source: "server", home: join(folder, "used") } as const;
    assert.deepEqual(await strays(folder, { list: async () => [used] }, now), [join(folder, "stray")]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

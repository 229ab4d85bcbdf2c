/** The file that windows share. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FileBoard } from "../src/board.js";

test("a board reaches other windows, and is for its owner alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "byokey-board-"));
  const path = join(folder, "of-the-extension", "accounts.json");
  const [one, two] = [await FileBoard.open(path), await FileBoard.open(path)];
  try {
    assert.equal(await one.read(), undefined);
    const changed = new Promise<void>((resolve) => two.onChange(resolve));
    await one.write("first");
    await changed;
    assert.equal(await two.read(), "first");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(folder, "of-the-extension")), ["accounts.json"]);
  } finally {
    one.dispose();
    two.dispose();
    rmSync(folder, { recursive: true });
  }
});

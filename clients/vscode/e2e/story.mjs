// What the stories of a user have in common: steps, a backend, waiting.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { missing } from "./editor.mjs";
import { start } from "./processes.mjs";
import { tokens } from "./tokens.mjs";

export const here = (path) => new URL(path, import.meta.url).pathname;
export const byokey = process.env.BYOKEY_RELEASE_BIN;
export const pictures = here("../../../target/vscode");

const absent = byokey === undefined ? "BYOKEY_RELEASE_BIN" : missing();

/** The options of a story: skipped where there is no editor. */
export const options = { skip: absent && `${absent} is missing; run clients/vscode/setup.sh`, timeout: 420_000 };

/** Steps depend on each other: after a failure the others are meaningless. */
export function steps(story, editor) {
  let hasFailed = false;
  return (name, run) =>
    story.test(name, { skip: hasFailed && "an earlier step failed" }, async () => {
      try {
        await run();
      } catch (error) {
        hasFailed = true;
        await editor()?.page.screenshot({ path: join(pictures, `failed-${process.pid}.png`) });
        throw error;
      }
    });
}

/** A loopback backend and issuer; resolves to its address. */
export function devBackend(script, onLine = () => {}) {
  const file = join(tmpdir(), `byokey-vscode-backend-${process.pid}.json`);
  writeFileSync(file, JSON.stringify(script));
  return new Promise((resolve) => {
    start(byokey, ["dev-backend", "--script", file], {
      onLine: (line) => {
        const address = /listening on (http:\S+?);/.exec(line);
        if (address) resolve(address[1]);
        onLine(line);
      },
    });
  });
}

/** Limits that look the same in every picture. */
export const usage = (primary, secondary) => ({
  repeat: 0,
  body: {
    plan_type: "pro",
    // That of the issuer's only user.
    account_id: "account-ada",
    rate_limit: {
      allowed: true,
      limit_reached: false,
      primary_window: windowOf(primary, 18_000, 3_000),
      secondary_window: windowOf(secondary, 604_800, 259_200),
    },
  },
});

function windowOf(percent, seconds, after) {
  return {
    used_percent: percent,
    limit_window_seconds: seconds,
    reset_after_seconds: after,
    reset_at: Math.floor(Date.now() / 1000) + after,
  };
}

/** No token may be on the page. */
export async function assertNoToken(editor) {
  const text = await editor.page.content();
  for (const token of Object.values(tokens)) {
    assert.ok(!text.includes(token.slice(-20)), "a token is on the page");
  }
}

/** No token may be in a setting, a log or another file of VS Code; the secret storage is not a file here. */
export function assertNoTokenInFiles(editor) {
  const folder = join(editor.folder, "user");
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.some(({ name }) => name === "accounts.json"), "the files of the extension are looked at");
  for (const { name, parentPath } of files) {
    const text = readFileSync(join(parentPath, name), "latin1");
    for (const token of Object.values(tokens)) {
      assert.ok(!text.includes(token.slice(-20)), `a token is in ${name}`);
    }
  }
}

/** Waits until it holds. */
export async function until(holds) {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not come about in time");
    await new Promise((later) => setTimeout(later, 100));
  }
}

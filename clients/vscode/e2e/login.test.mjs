// A user's whole session in a real VS Code: login, a refresh, limits, a server that is killed and
// restarted, traffic, a reload, another account, logout.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, after } from "node:test";

import { missing, openEditor } from "./editor.mjs";
import { below, endAll, kill, start } from "./processes.mjs";

const here = (path) => new URL(path, import.meta.url).pathname;
const byokey = process.env.BYOKEY_RELEASE_BIN;
const tokens = JSON.parse(readFileSync(here("../../suite/tokens.json"), "utf8"));
const pictures = here("../../../target/vscode");
const absent = byokey === undefined ? "BYOKEY_RELEASE_BIN" : missing();

let editor;

after(async () => {
  await editor?.close();
  await endAll();
});

test(
  "a login in VS Code",
  { skip: absent && `${absent} is missing; run clients/vscode/setup.sh`, timeout: 420_000 },
  async (story) => {
    const step = steps(story);
    const seen = [];
    const backend = await devBackend({ rejectedBearers: [tokens.ada] }, (line) => seen.push(line));

    await step("the extension starts the server and shows that no account is signed in", async () => {
      editor = await openEditor({
        vsix: here("../out/byokey-account.vsix"),
        pictures,
        env: { BYOKEY_BIN: byokey },
        settings: {
          "byokey.arguments": ["-c", `chatgpt_base_url=${backend}/backend-api`],
          "byokey.tokenCommand": [process.execPath, here("token-command.mjs")],
        },
      });
      await editor.statusBar("byokey: signed out");
      await editor.picture("signed-out");
    });

    await step("a token command signs in, and is asked again when the token is refused", async () => {
      await editor.command("byokey: Sign In");
      await editor.choose("Run the token command");
      await editor.statusBar("ada@example.test (pro)");
      // The limits arrive with the renewed token only: the backend refuses the first one.
      await editor.statusBar("%");
      await editor.picture("signed-in-with-limits");
      assert.ok(seen.some((line) => /usage.*401/.test(line)), "the first token was refused");
      assert.ok(seen.some((line) => /usage.*200/.test(line)), "the renewed one was taken");
    });

    await step("the status bar has a menu", async () => {
      await editor.click("ada@example.test (pro)");
      await editor.row("Read limits again");
      await editor.picture("menu");
      await editor.choose("Switch account");
      await editor.row("token command");
      await editor.picture("switch-account");
      await editor.page.keyboard.press("Escape");
    });

    await step("a server that is killed is started again and signed in again", async () => {
      const [before] = server();
      kill(before, "SIGKILL");
      await until(() => server().length === 1 && server()[0] !== before);
      await editor.statusBar("ada@example.test (pro)");
      await editor.picture("back-after-a-kill");
    });

    await step("traffic is shown without a secret", async () => {
      await editor.command("byokey: Show Traffic (Redacted)");
      await editor.statusBar("ada@example.test (pro)");
      await editor.picture("traffic");
      await until(async () => /accessToken.*redacted\s\d+\sbytes/.test(await editor.output("accessToken")));
      await editor.picture("traffic-of-secrets");
      const text = await editor.page.content();
      for (const token of Object.values(tokens)) {
        assert.ok(!text.includes(token.slice(-20)), "a token is on the page");
      }
    });

    await step("a reload of the window signs in again by itself", async () => {
      await editor.reload();
      await editor.statusBar("ada@example.test (pro)");
      await editor.picture("after-a-reload");
    });

    await step("a pasted token signs in another account", async () => {
      await editor.command("byokey: Sign In");
      await editor.choose("Paste an access token");
      await editor.type("It stays in VS Code", tokens.bob);
      await editor.type("The id of the workspace", "ws-bob");
      await editor.statusBar("bob@example.test (team)");
      await editor.picture("another-account");
    });

    await step("when a pasted token is refused, the user is asked for another", async () => {
      await editor.command("byokey: Sign In");
      await editor.choose("Paste an access token");
      await editor.type("It stays in VS Code", tokens.ada);
      await editor.type("The id of the workspace", "ws-ada");
      await editor.type("The token of ws-ada was refused", tokens["ada-renewed"]);
      await editor.statusBar("%");
      await editor.picture("asked-for-another-token");
    });

    await step("an invalid token is reported with a next step", async () => {
      await editor.command("byokey: Sign In");
      await editor.choose("Paste an access token");
      await editor.type("It stays in VS Code", tokens["not-a-token"]);
      await editor.type("The id of the workspace", "ws-nobody");
      await editor.statusBar("byokey: failed");
      await editor.notification("The token cannot be used", "Sign In");
      await editor.picture("a-token-that-is-none");
    });

    await step("the user can go back to the first account", async () => {
      await editor.command("byokey: Switch Account");
      await editor.choose("token command");
      await editor.statusBar("ada@example.test (pro)");
    });

    await step("signing out forgets the account, also after a reload", async () => {
      await editor.command("byokey: Sign Out");
      await editor.statusBar("byokey: signed out");
      await editor.reload();
      await editor.statusBar("byokey: signed out");
      await editor.picture("signed-out-again");
    });

    await step("the server ends with the editor", async () => {
      const [last] = server();
      await editor.close();
      editor = undefined;
      await endAll();
      await until(() => !isRunning(last));
    });
  },
);

/** Steps depend on each other: after a failure the others are meaningless. */
function steps(story) {
  let hasFailed = false;
  return (name, run) =>
    story.test(name, { skip: hasFailed && "an earlier step failed" }, async () => {
      try {
        await run();
      } catch (error) {
        hasFailed = true;
        await editor?.picture("failed");
        throw error;
      }
    });
}

function server() {
  return below(editor.serverId, "byokey app-server");
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A loopback backend; resolves to its address. */
function devBackend(script, onLine) {
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

async function until(holds) {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not come about in time");
    await new Promise((later) => setTimeout(later, 100));
  }
}

// A user's whole session in a real VS Code: login, a refresh, limits, a server that is killed and
// restarted, traffic, a reload, other accounts, a failed sign-in, logout.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { openEditor } from "./editor.mjs";
import { below, endAll, kill } from "./processes.mjs";
import { assertNoToken, assertNoTokenInFiles, byokey, devBackend, here, options, pictures, steps, until } from "./story.mjs";
import { tokens } from "./tokens.mjs";

let editor;

after(async () => {
  await editor?.close();
  await endAll();
});

test("a login in VS Code", options, async (story) => {
  const step = steps(story, () => editor);
  const seen = [];
  const backend = await devBackend({ rejectedBearers: [tokens.ada] }, (line) => seen.push(line));

  await step("the extension shows that no account is signed in, and leaves no server", async () => {
    editor = await openEditor({
      extensions: [here("../out/byokey-account.vsix")],
      pictures,
      env: { BYOKEY_BIN: byokey },
      settings: {
        "byokey.arguments": ["-c", `chatgpt_base_url=${backend}/backend-api`],
        "byokey.tokenCommand": [process.execPath, here("token-command.mjs")],
      },
    });
    await editor.statusBar("byokey: signed out");
    await editor.picture("signed-out");
    await until(() => server().length === 0);
  });

  await step("a token command signs in, and is asked again when the token is refused", async () => {
    await editor.command("byokey: Sign In");
    await editor.row("Sign in with the browser");
    await editor.row("Sign in with a code");
    await editor.picture("ways-to-sign-in");
    await editor.choose("Run the token command");
    await editor.statusBar("ada@example.test (pro)");
    // The limits arrive with the renewed token only: the backend refuses the first one.
    await editor.statusBar("%");
    await editor.picture("signed-in-with-limits");
    assert.ok(seen.some((line) => /usage.*401/.test(line)), "the first token was refused");
    assert.ok(seen.some((line) => /usage.*200/.test(line)), "the renewed one was taken");
  });

  await step("the status bar shows the time of the reset, and has a menu", async () => {
    const tip = await editor.hover("ada@example.test (pro)");
    assert.match(tip, /[█░]{10} \d+ % of .* used, resets .*\(in \d+ (minutes?|hours|days)\)/);
    await editor.picture("limits");
    await editor.click("ada@example.test (pro)");
    await editor.row("Read limits again");
    await editor.picture("menu");
    await editor.choose("Switch account");
    await editor.row("ada@example.test");
    await editor.picture("switch-account");
    await editor.escape();
  });

  await step("a server that is killed is started again and signed in again", async () => {
    const [before] = server();
    kill(before, "SIGKILL");
    await until(() => server().length === 1 && server()[0] !== before);
    await editor.statusBar("ada@example.test (pro)");
  });

  await step("traffic is shown without a secret", async () => {
    await editor.command("byokey: Show Traffic (Redacted)");
    await editor.statusBar("ada@example.test (pro)");
    await until(async () => /accessToken.*redacted\s\d+\sbytes/.test(await editor.output("accessToken")));
    await editor.picture("traffic");
    await assertNoToken(editor);
  });

  await step("a reload of the window signs in again by itself", async () => {
    await editor.reload();
    await editor.statusBar("ada@example.test (pro)");
  });

  await step("in a remote, the user is asked once before a stored token is handed over", async () => {
    await paste(tokens.bob, "ws-bob");
    await editor.dialog("to the byokey program on");
    await editor.picture("consent-in-a-remote");
    assert.match(await editor.dialog("to the byokey program on", "Hand Over"), /asked once for each machine/);
    await editor.statusBar("bob@example.test (team)");
  });

  await step("when a pasted token is refused, the user is asked for another, of the same account", async () => {
    await paste(tokens.ada, "ws-ada");
    await editor.page.locator(".quick-input-widget", { hasText: "ada@example.test was refused" }).waitFor();
    await editor.picture("asked-for-another-token");
    await editor.type("ada@example.test was refused", tokens.bob);
    await editor.notification("of another account", "Sign In");
    await editor.statusBar("bob@example.test (team)");
    await editor.clearNotifications();
    await paste(tokens.ada, "ws-ada");
    await editor.type("ada@example.test was refused", tokens["ada-again"]);
    await editor.statusBar("ada@example.test (pro)");
    assert.equal(await editor.isAsking(), false, "the consent was asked for once");
  });

  await step("a sign-in that fails is reported with a next step, and the old account stays", async () => {
    await paste(tokens["not-a-token"], "ws-nobody");
    await editor.notification("The token cannot be used", "Sign In");
    await editor.statusBar("ada@example.test (pro)");
    await editor.picture("a-failed-sign-in");
    await editor.reload();
    await editor.statusBar("ada@example.test (pro)");
  });

  await step("the user can switch between people, by their addresses", async () => {
    await editor.command("byokey: Switch Account");
    await editor.choose("bob@example.test");
    await editor.statusBar("bob@example.test (team)");
    await assertNoToken(editor);
  });

  await step("signing out forgets the account, also after a reload", async () => {
    await editor.command("byokey: Sign Out");
    await editor.statusBar("byokey: signed out");
    await until(() => server().length === 0);
    await editor.reload();
    await editor.statusBar("byokey: signed out");
    await editor.command("byokey: Switch Account");
    await editor.row("ada@example.test");
    assert.equal(await editor.page.locator(".quick-input-list .monaco-list-row", { hasText: "bob@" }).count(), 0);
    await editor.choose("ada@example.test");
    await editor.statusBar("ada@example.test (pro)");
  });

  await step("no file has a token, and the server ends with the editor", async () => {
    const [last] = server();
    assertNoTokenInFiles(editor);
    await editor.close();
    editor = undefined;
    await endAll();
    await until(() => !isRunning(last));
  });
});

async function paste(token, workspace) {
  await editor.command("byokey: Sign In");
  await editor.choose("Paste an access token");
  await editor.type("It stays in VS Code", token);
  await editor.type("The id of the workspace", workspace);
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

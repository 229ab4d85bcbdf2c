// The packages: one with the program inside, which is used and asked for a token by another extension,
// and one without. The token stands in an answer of the program here, so it is not recorded.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { after, test } from "node:test";

import { openEditor } from "./editor.mjs";
import { below, endAll } from "./processes.mjs";
import { byokey, devBackend, here, options, pictures, steps, until } from "./story.mjs";

// Programs of the system, and no byokey among them.
const PATH = "/usr/bin:/bin";

let editor;

after(async () => {
  await editor?.close();
  await endAll();
});

test("a package with the program inside", options, async (story) => {
  const step = steps(story, () => editor);
  const folder = mkdtempSync(join(tmpdir(), "byokey-vsix-"));
  const backend = await devBackend({});

  await step("is built from a relative path", () => {
    const program = relative(dirname(byokey), byokey);
    const env = { ...process.env, BYOKEY_VSIX_FOLDER: folder };
    execFileSync(here("../build.sh"), [program], { cwd: dirname(byokey), env, stdio: "pipe" });
  });

  await step("uses that program, where there is no other", async () => {
    editor = await openEditor({
      extensions: [join(folder, "byokey-account.vsix"), here("../out/other.vsix")],
      pictures,
      path: PATH,
      settings: {
        "byokey.arguments": ["-c", `chatgpt_base_url=${backend}/backend-api`],
        "byokey.tokenCommand": [process.execPath, here("token-command.mjs")],
      },
    });
    await editor.statusBar("byokey: signed out");
    await editor.command("byokey: Sign In");
    await editor.choose("Run the token command");
    await editor.statusBar("ada@example.test (pro)");
    const [server] = below(editor.serverId, "byokey app-server");
    const program = below(editor.serverId, join(editor.folder, "extensions"));
    assert.ok(program.includes(server), `the server is ${readlinkSync(`/proc/${server}/exe`)}`);
  });

  await step("another extension gets no token while sharing is off", async () => {
    await editor.command("Other: Ask for a Token");
    await editor.dialog("wants to sign in", "Allow");
    await editor.notification("because the setting byokey.shareSessions is off", "Open Settings");
    await editor.page.locator(".notification-toast", { hasText: "other: no session" }).waitFor();
    await editor.clearNotifications();
  });

  await step("with sharing on it gets the token, after a consent that says so", async () => {
    // Any extension can change a setting: the consent is what protects the token.
    await editor.command("Other: Turn Sharing On");
    await editor.command("Other: Ask for a Token");
    await editor.dialog("wants to sign in", "Allow");
    await editor.dialog("to other extensions");
    await editor.picture("consent-to-share");
    const said = await editor.dialog("to other extensions", "Hand Over");
    assert.match(said, /gets the access token itself/);
    const got = editor.page.locator(".notification-toast", { hasText: `other: ada@example.test, a token of` });
    await got.waitFor();
    assert.match(await got.innerText(), /a token of [1-9]\d{2,} characters/);
    await editor.clearNotifications();
  });

  await editor?.close();
  editor = undefined;
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

test("a package without the program, where there is none", options, async (story) => {
  const step = steps(story, () => editor);

  await step("says what to do in the user's words", async () => {
    editor = await openEditor({ extensions: [here("../out/byokey-account.vsix")], pictures, path: PATH, settings: {} });
    await editor.statusBar("byokey: failed");
    await editor.notification("The byokey program is not on this machine", "Select Program");
    await editor.picture("no-program");
  });

  await step("shows how to get started", async () => {
    await editor.page.locator(".notification-toast .monaco-button", { hasText: "Show Me How" }).first().click();
    await editor.page.locator(".gettingStartedContainer", { hasText: "Have the program" }).first().waitFor();
    await editor.picture("getting-started");
  });

  await step("goes on with the program that the user selects", async () => {
    await editor.command("byokey: Select Program");
    await editor.page.locator(".quick-input-widget", { hasText: "Select the byokey program" }).first().waitFor();
    // The dialog lists a folder once its path has been typed, and takes a line that is clicked.
    const input = editor.page.locator(".quick-input-widget input[type=text]:visible");
    await until(async () => (await input.inputValue()).endsWith("/"));
    await input.fill(join(dirname(byokey), "/"));
    await editor.page.locator(".quick-input-list .monaco-list-row").getByText(basename(byokey), { exact: true }).first().click();
    await editor.statusBar("byokey: signed out");
  });

  await editor?.close();
  editor = undefined;
  await endAll();
});

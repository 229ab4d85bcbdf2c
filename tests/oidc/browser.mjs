// A user with a browser that has its own profile folder. Reads one command per line from standard
// input, ends at its end, and prints one JSON object for each:
//
//   open URL         goes to a page
//   sign-in NAME     types a name and any password, and sends them
//   agree, decline   answers the provider's last question
//   where            prints the page that it is at
//   done             waits until the page has a title, and prints it
//   look FILE        waits for the page of the login server and saves a picture of it there

import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const PATIENCE = 20_000;
const browser = await chromium.launchPersistentContext(process.argv[2], {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Requests of pages are limited to this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
  ],
});
browser.setDefaultTimeout(PATIENCE);
const page = browser.pages()[0] ?? (await browser.newPage());

const shown = async () => ({
  url: page.url(),
  title: await page.title(),
  text: await page.innerText("body"),
});
// The next page may be slow; `look` waits for it.
const click = (what) => {
  page.click(what).catch((failure) => console.error(failure));
  return {};
};

const commands = {
  open: async (url) => {
    await page.goto(url, { waitUntil: "domcontentloaded" });
    return shown();
  },
  "sign-in": async (name) => {
    await page.fill("input[name=login]", name);
    await page.fill("input[name=password]", "made-up");
    await page.click("button[type=submit]");
    await page.waitForSelector("text=Authorize");
    return shown();
  },
  agree: () => click("button[type=submit]"),
  decline: () => click("a:has-text('Cancel')"),
  where: () => ({ url: page.url() }),
  done: async () => {
    await page.waitForFunction(() => document.title !== "");
    return shown();
  },
  look: async (picture) => {
    await page.waitForURL("http://localhost:*/**", { waitUntil: "load" });
    await page.screenshot({ path: picture });
    return shown();
  },
};

process.stdout.write("{}\n");
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(/ (.*)/);
  try {
    process.stdout.write(`${JSON.stringify(await commands[command](argument))}\n`);
  } catch (failure) {
    process.stdout.write(`${JSON.stringify({ failure: failure.message })}\n`);
  }
}
await browser.close();

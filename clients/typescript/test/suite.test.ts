// The transcripts of all clients.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { Backend } from "./support/backend.js";
import { play } from "./support/driver.js";
import { CODEX, newFolder, SUITE, WITHOUT_BYOKEY, WITHOUT_CODEX } from "./support/places.js";
import { filled, TOKENS, transcripts } from "./support/transcript.js";

const exchanges = transcripts();
assert.ok(exchanges.length >= 20, "the exchanges are not where they should be");

describe("against the scripted server", () => {
  for (const exchange of exchanges.filter((exchange) => "server" in exchange || "servers" in exchange)) {
    test(`${exchange.name}: ${exchange.about}`, async () => {
      const report = join(newFolder(), "report");
      const args = [join(SUITE, "scripted_server.py"), exchange.file, report];
      try {
        await play(exchange, { command: "python3", args });
      } catch (error) {
        const verdict = existsSync(report) ? readFileSync(report, "utf8") : "nothing";
        throw new Error(`${(error as Error).message}; the server says: ${verdict}`, { cause: error });
      }
      assert.equal(readFileSync(report, "utf8"), "ok");
    });
  }
});

describe("against the server", { skip: WITHOUT_BYOKEY }, () => {
  for (const exchange of exchanges.filter((exchange) => exchange.backend !== undefined)) {
    test(`${exchange.name}: ${exchange.about}`, async () => {
      const backend = await Backend.start(filled(exchange.backend, TOKENS));
      try {
        await play(exchange, backend.server(exchange.settings));
      } finally {
        await backend.stop();
      }
    });
  }
});

describe("against codex", { skip: WITHOUT_CODEX }, () => {
  for (const exchange of exchanges.filter((exchange) => exchange.codex === true)) {
    test(`${exchange.name}: ${exchange.about}`, async () => {
      const home = newFolder();
      const environment = { ...process.env, HOME: home, CODEX_HOME: home };
      await play(exchange, { command: CODEX ?? "codex", args: ["app-server"], environment });
    });
  }
});

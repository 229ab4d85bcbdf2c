// Discovery of the program.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";

import { ByokeyClient, ServerNotFoundError } from "@byokey/client";

import { findProgram } from "#internal/discovery.js";
import packageFolder from "#internal/folder.cjs";

import { fake } from "./support/fake.js";
import { newFolder, PACKAGE } from "./support/places.js";

/** Creates an executable file there. */
function program(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
  return path;
}

const BUNDLED = join("bin", `${process.platform}-${process.arch}`, "byokey");

test("the option comes first, then the environment, the package, and the search path", () => {
  const folder = newFolder();
  const dist = join(folder, "dist");
  const onPath = program(join(folder, "search/byokey"));
  const path = ["/nowhere", dirname(onPath)].join(delimiter);

  const found = (command: string | undefined, environment: Record<string, string>): string =>
    findProgram(command, environment, dist).command;
  assert.equal(found(undefined, { PATH: path }), onPath);
  assert.equal(found(undefined, { Path: path }), onPath);
  const packaged = program(join(folder, "node_modules/@byokey/made-up/bin/byokey"));
  const installed = findProgram(undefined, { PATH: path }, dist, () => packaged);
  assert.equal(installed.command, packaged);
  const beside = program(join(dist, BUNDLED));
  assert.equal(found(undefined, { PATH: path }), beside);
  const bundled = program(join(folder, BUNDLED));
  assert.equal(found(undefined, { PATH: path }), bundled);
  assert.equal(found(undefined, { PATH: path, BYOKEY_BIN: "" }), bundled);
  assert.equal(found(undefined, { PATH: path, BYOKEY_BIN: "/made/up" }), "/made/up");
  assert.equal(found("given", { PATH: path, BYOKEY_BIN: "/made/up" }), "given");
});

test("what may not be executed and folders are passed over", () => {
  const folder = newFolder();
  const environment = { PATH: ["one", "two", "three"].map((name) => join(folder, name)).join(delimiter) };
  mkdirSync(join(folder, "one/byokey"), { recursive: true });
  chmodSync(program(join(folder, "two/byokey")), 0o644);
  const good = program(join(folder, "three/byokey"));
  assert.equal(findProgram(undefined, environment, undefined).command, good);
});

test("where nothing is found, the error says where it was looked for and what to do", () => {
  assert.throws(
    () => findProgram(undefined, {}, "/nowhere/dist"),
    (error) => {
      assert.ok(error instanceof ServerNotFoundError);
      assert.deepEqual(error.searched, [
        "BYOKEY_BIN (not set)",
        join("/nowhere", BUNDLED),
        join("/nowhere/dist", BUNDLED),
        "the package `byokey`",
        "`byokey` on the search path",
      ]);
      assert.match(error.message, /was not found.*`command`.*BYOKEY_BIN/s);
      return true;
    },
  );
});

test("a program that cannot be started is reported with the reason", async () => {
  const folder = newFolder();
  const plain = join(folder, "plain");
  writeFileSync(plain, "");
  await assert.rejects(ByokeyClient.spawn(fake("", { command: "/nowhere/byokey" })), {
    name: "ServerNotFoundError",
    message: /was not found.*\(\/nowhere\/byokey\)/s,
  });
  await assert.rejects(ByokeyClient.spawn(fake("", { command: plain })), {
    name: "ServerNotFoundError",
    message: /may not be executed/,
  });
});

test("the package knows its folder", () => {
  assert.equal(packageFolder, join(PACKAGE, "dist"));
});

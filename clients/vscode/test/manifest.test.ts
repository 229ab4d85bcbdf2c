/** The manifest, its files, and the documents about it agree. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

const folder = process.cwd();
const read = (path: string): string => readFileSync(resolve(folder, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const readme = read("README.md");

test("every command and setting is documented, and no other", () => {
  const { commands, configuration } = manifest.contributes;
  const titles = commands.map(({ title }: { title: string }) => `byokey: ${title}`);
  const documented = [...readme.matchAll(/^\| (byokey: [^|]+?) \|/gm)].map(([, title]) => title);
  assert.deepEqual(documented.sort(), titles.sort());
  const mentioned = new Set([...readme.matchAll(/byokey\.[a-z][A-Za-z]+/g)].map(([name]) => name));
  mentioned.delete("byokey.exe");
  const settings = Object.keys(configuration.properties);
  for (const name of mentioned) assert.ok(settings.includes(name), name);
  const used = settings.filter((name) => name !== "byokey.authenticationScopes");
  assert.deepEqual(used.filter((name) => !mentioned.has(name)), []);
});

test("every command is registered, and every step of the walkthrough leads to one", () => {
  const source = read("src/commands.ts");
  for (const { command } of manifest.contributes.commands) assert.ok(source.includes(`"${command}": `), command);
  for (const { steps } of manifest.contributes.walkthroughs) {
    for (const { media, description, completionEvents } of steps) {
      assert.ok(existsSync(resolve(folder, media.markdown)), media.markdown);
      for (const [, command] of `${description} ${completionEvents}`.matchAll(/(?:command:|onCommand:)(byokey\.\w+)/g)) {
        assert.ok(source.includes(`"${command}": `), command);
      }
    }
  }
});

test("the packed manifest has the addresses of the project, which stand in one place", () => {
  const packed = JSON.parse(execFileSync(process.execPath, ["manifest.mjs"], { cwd: folder, encoding: "utf8" }));
  const project = read("../../release/project.toml");
  for (const address of [packed.homepage, packed.repository.url, packed.bugs.url]) assert.ok(project.includes(`"${address}"`));
  assert.ok(!read("package.json").includes("byokey.invalid"));
});

test("the lines of README.md for a shell run programs that are there, and its links lead somewhere", () => {
  const lines = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, text]) => text!.trim().split("\n"));
  const programs = lines.flatMap((line) => line.split("#")[0]!.split("&&").map((part) => part.trim().split(" ")[0]!));
  assert.deepEqual(new Set(programs), new Set(["clients/vscode/setup.sh", "clients/vscode/build.sh", "code", "byokey", "release/build"]));
  for (const program of programs.filter((each) => each.includes("/"))) assert.ok(existsSync(resolve(folder, "../..", program)));
  for (const [, path] of readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)) assert.ok(existsSync(resolve(folder, path!)), path);
  const settings = JSON.parse(`{${/^```json\n([^]*?)^```$/m.exec(readme)![1]}}`);
  for (const name of Object.keys(settings)) assert.ok(name in manifest.contributes.configuration.properties, name);
});

// Prints the extension's manifest with the project's addresses, which stand in release/project.toml alone.

import { readFileSync } from "node:fs";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const project = read("../../release/project.toml");

/** A text of the first table of project.toml. */
function address(key) {
  const line = project.split("\n[")[0].split("\n").find((each) => each.startsWith(`${key} = "`));
  if (line === undefined) throw new Error(`release/project.toml has no ${key}`);
  return JSON.parse(line.slice(line.indexOf('"')));
}

const manifest = {
  ...JSON.parse(read("package.json")),
  homepage: address("homepage"),
  repository: { type: "git", url: address("repository"), directory: "clients/vscode" },
  bugs: { url: address("issues") },
};
console.log(JSON.stringify(manifest));

// Paths, and temporary folders.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package. The tests run from `.build/test`. */
export const PACKAGE = fileURLToPath(new URL("../../../", import.meta.url));
const ROOT = resolve(PACKAGE, "../..");
export const SUITE = join(ROOT, "clients/suite");
export const TOOLS = join(ROOT, ".cache/typescript-client/node_modules");

/** The program under test, or why there is none. */
export const BYOKEY: string | undefined =
  process.env["BYOKEY_RELEASE_BIN"] ||
  process.env["BYOKEY_BIN"] ||
  ["release", "debug"].map((kind) => join(ROOT, "target", kind, "byokey")).find(existsSync);

/** For `skip`: false if the program exists. */
export const WITHOUT_BYOKEY = BYOKEY === undefined && "there is no program: set BYOKEY_BIN";

/** The real codex: `CODEX_BIN`, or the one installed by tests/codex/setup.sh. */
export const CODEX: string | undefined = [
  process.env["CODEX_BIN"] || join(ROOT, ".cache/codex/codex"),
].find(existsSync);

/** For `skip`: false if codex is installed. */
export const WITHOUT_CODEX = CODEX === undefined && "codex is not installed; tests/codex/setup.sh installs it";

const folders: string[] = [];

/** A new empty folder. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "byokey-ts-"));
  folders.push(folder);
  return folder;
}

process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

// Discovery of the program: named by the host, by the environment, bundled, or on the search path.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

import { ServerNotFoundError } from "./errors.js";
import packageFolder from "./folder.cjs";

/** A program, and the searched places. */
export interface Found {
  readonly command: string;
  readonly searched: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Finds the program. */
export function findProgram(
  command: string | undefined,
  environment: Environment = process.env,
  folder: string | undefined = packageFolder,
): Found {
  if (command !== undefined) return { command, searched: [`the option \`command\` (${command})`] };
  const named = environment["BYOKEY_BIN"];
  if (named !== undefined && named !== "") return { command: named, searched: [`BYOKEY_BIN (${named})`] };
  const bundled = folder === undefined ? [] : bundledPrograms(folder);
  const onPath = pathFolders(environment).map((entry) => join(entry, fileName()));
  const program = [...bundled, ...onPath].find(isExecutable);
  const searched = ["BYOKEY_BIN (not set)", ...bundled, `\`${fileName()}\` on the search path`];
  if (program === undefined) throw new ServerNotFoundError(searched, "was not found");
  return { command: program, searched };
}

/** Beside the package's code and above it: in the package itself, or in a bundle's folder. */
function bundledPrograms(folder: string): string[] {
  const path = ["bin", `${process.platform}-${process.arch}`, fileName()];
  return [join(folder, "..", ...path), join(folder, ...path)];
}

function pathFolders(environment: Environment): string[] {
  // Windows spells it `Path`.
  const name = Object.keys(environment).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  return (environment[name] ?? "").split(delimiter).filter((entry) => entry !== "");
}

function fileName(): string {
  return process.platform === "win32" ? "byokey.exe" : "byokey";
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

// Discovery of the program: named by the host, by the environment, bundled, or on the search path.

import { accessSync, constants, statSync } from "node:fs";
import { basename, delimiter, extname, isAbsolute, join } from "node:path";

import { ServerNotFoundError } from "./errors.js";
import packageFolder from "./folder.cjs";
import installedProgram from "./installed.cjs";

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
  installed: () => string | undefined = installedProgram,
): Found {
  if (command !== undefined) {
    const searched = [`the option \`command\` (${command})`];
    return { command: resolved(command, environment, searched), searched };
  }
  const named = environment["BYOKEY_BIN"];
  if (named !== undefined && named !== "") {
    const searched = [`BYOKEY_BIN (${named})`];
    return { command: resolved(named, environment, searched), searched };
  }
  const bundled = folder === undefined ? [] : bundledPrograms(folder);
  const onPath = pathFolders(environment).map((entry) => join(entry, fileName()));
  const program = [...bundled, installed(), ...onPath].filter((path) => path !== undefined).find(isExecutable);
  const searched = ["BYOKEY_BIN (not set)", ...bundled, "the package `byokey`", `\`${fileName()}\` on the search path`];
  if (program === undefined) throw new ServerNotFoundError(searched, "was not found");
  return { command: program, searched };
}

/**
 * Windows searches the working directory first for a bare name, where a folder that was merely
 * opened may contain a foreign program. So such names are searched for here, on the search path
 * alone.
 */
function resolved(command: string, environment: Environment, searched: readonly string[]): string {
  if (process.platform !== "win32" || /[\\/:]/.test(command)) return command;
  const names = extname(command) === "" ? [`${command}.exe`, `${command}.com`] : [command];
  const places = pathFolders(environment).flatMap((folder) => names.map((name) => join(folder, name)));
  const program = places.find(isExecutable);
  if (program === undefined) throw new ServerNotFoundError(searched, "was not found on the search path");
  return program;
}

/**
 * Beside the package's code and above it: in the package itself, for either kind of module, or in a
 * bundle's folder.
 */
function bundledPrograms(folder: string): string[] {
  const path = ["bin", `${process.platform}-${process.arch}`, fileName()];
  const ofPackage = basename(folder) === "cjs" ? [join(folder, "../..", ...path)] : [];
  return [...ofPackage, join(folder, "..", ...path), join(folder, ...path)];
}

function pathFolders(environment: Environment): string[] {
  // Windows spells it `Path`.
  const name = Object.keys(environment).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  return (environment[name] ?? "").split(delimiter).filter((entry) => isAbsolute(entry));
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

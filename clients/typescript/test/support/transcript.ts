// The files of the suite, read and compared as its README says.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import type { BearerLogin } from "@byokey/client";

import { SUITE } from "./places.js";

export type Json = Readonly<Record<string, unknown>>;

/** The behaviour of the token provider. */
export interface Refresh {
  readonly answer?: Json;
  readonly fail?: string;
  readonly hang?: true;
  readonly command?: { readonly says: string; readonly status: number };
}

/** One transcript. */
export interface Transcript {
  readonly name: string;
  readonly file: string;
  readonly about: string;
  readonly capabilities?: Json;
  readonly refresh?: readonly Refresh[];
  readonly startTimeoutMs?: number;
  readonly spawnFails?: string;
  readonly spawnSays?: readonly string[];
  readonly supervised?: boolean;
  readonly bearerLogin?: BearerLogin;
  readonly codex?: boolean;
  readonly client: readonly Json[];
  readonly backend?: Json;
  readonly settings?: readonly string[];
}

/** The fake tokens by name. */
export const TOKENS: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(SUITE, "tokens.json"), "utf8"),
);

/** All transcripts. */
export function transcripts(): Transcript[] {
  const folders = ["transcripts", "programs"].map((name) => join(SUITE, name));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return files
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({ name: basename(file, ".json"), file, ...JSON.parse(readFileSync(file, "utf8")) }));
}

/** `value` with each `$name` replaced. */
export function filled(value: unknown, names: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === "string") return value.startsWith("$") ? (names[value.slice(1)] ?? value) : value;
  if (Array.isArray(value)) return value.map((element) => filled(element, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filled(member, names)]));
}

/** Whether `actual` contains all members of `wanted`; objects may have more. */
export function has(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((element, index) => has(actual[index], element))
    );
  }
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null || Array.isArray(actual)) return false;
  return Object.entries(wanted).every(
    ([key, member]) => Object.hasOwn(actual, key) && has((actual as Json)[key], member),
  );
}

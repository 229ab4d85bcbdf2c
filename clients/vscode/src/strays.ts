/** Logins of the server that a window began and never stored, because it ended meanwhile. */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import type { Accounts } from "./accounts.js";

/** A login in progress is younger than this: it is pending for at most 15 minutes. */
const AGE_MS = 60 * 60_000;

/** Folders of logins that no account has, and that no window can be working on. */
export async function strays(folder: string, accounts: Pick<Accounts, "list">, now: number): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const used = new Set((await accounts.list()).map(({ home }) => home));
  const found: string[] = [];
  for (const home of names.map((name) => join(folder, name)).filter((each) => !used.has(each))) {
    const { mtimeMs } = await stat(home).catch(() => ({ mtimeMs: now }));
    if (now - mtimeMs > AGE_MS) found.push(home);
  }
  return found;
}

/**
 * The user's accounts, shared by all windows: tokens in VS Code's secret storage, the list beside
 * them and on a board that every window on this machine reads.
 *
 * Each write has a revision, and the newest one counts. In the browser, a window does not see what
 * another one writes to the secret storage; there the board carries the list, without tokens.
 */

import type { SecretStorage } from "vscode";

import type { Board } from "./board.js";
import type { Identity } from "./identity.js";

/** The source of an account's tokens. `server`: the server runs the login and stores it. */
export type Source = "pasted" | "command" | "session" | "server";

/** An account without its token. */
export interface StoredAccount extends Identity {
  readonly source: Source;
  /** Only for logins of the server: the folder of its store, and the kind of store. */
  readonly home?: string;
  readonly store?: string;
}

/** What the windows agree on. */
export interface Shared {
  readonly revision: number;
  readonly accounts: readonly StoredAccount[];
  /** The key of the account in use; none after a logout. */
  readonly current?: string;
}

const LIST = "byokey.accounts";
const NONE: Shared = { revision: 0, accounts: [] };

/** The only code that reads and writes the secret storage. Changes of one window are serialised. */
export class Accounts {
  readonly #secrets: SecretStorage;
  readonly #board: Board;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #ends: { dispose(): void }[];
  #queue: Promise<unknown> = Promise.resolve();
  #known: readonly StoredAccount[] = [];

  constructor(secrets: SecretStorage, board: Board, now: () => number = Date.now) {
    this.#secrets = secrets;
    this.#board = board;
    this.#now = now;
    const changed = (): void => this.#listeners.forEach((listener) => listener());
    this.#ends = [secrets.onDidChange(changed), board.onChange(changed)];
  }

  /** Calls back when this or another window has changed an account or a token. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  dispose(): void {
    this.#ends.forEach((end) => end.dispose());
    this.#listeners.clear();
  }

  /** All accounts, the latest first. */
  async list(): Promise<readonly StoredAccount[]> {
    return (await this.#read()).accounts;
  }

  /**
   * Returns the name of an account: its address, and the workspace where another account that was
   * last read has the same one. VS Code remembers by this name what an extension may use.
   */
  nameOf({ key, label, workspace }: StoredAccount): string {
    const isShared = this.#known.some((other) => other.label === label && other.key !== key);
    return isShared ? `${label} (${workspace})` : label;
  }

  /** The account that all windows use. */
  async current(): Promise<StoredAccount | undefined> {
    const { accounts, current } = await this.#read();
    return accounts.find(({ key }) => key === current);
  }

  /** The stored token of an account; only pasted ones are stored. */
  async token(key: string): Promise<string | undefined> {
    return await this.#secrets.get(secretOf(key));
  }

  /**
   * Makes it the account in use, unless `isOvertaken` by then. Returns the account of the same key
   * that it replaces.
   */
  use(
    account: StoredAccount,
    accessToken: string | undefined,
    isOvertaken: () => boolean,
  ): Promise<{ readonly isUsed: boolean; readonly replaced: StoredAccount | undefined }> {
    return this.#serially(async () => {
      const before = await this.#read();
      if (isOvertaken()) return { isUsed: false, replaced: undefined };
      const others = before.accounts.filter(({ key }) => key !== account.key);
      if (accessToken === undefined) await this.#secrets.delete(secretOf(account.key));
      else await this.#secrets.store(secretOf(account.key), accessToken);
      await this.#write(before, [account, ...others], account.key);
      return { isUsed: true, replaced: before.accounts.find(({ key }) => key === account.key) };
    });
  }

  /**
   * Stores a newer token. The account in use stays what it is, and a token of an account that was
   * removed meanwhile, here or in another window, is not left behind.
   */
  renew(key: string, accessToken: string): Promise<void> {
    return this.#serially(async () => {
      await this.#secrets.store(secretOf(key), accessToken);
      // Removed from the list before its token: whichever comes last deletes the token.
      if (!(await this.#read()).accounts.some((account) => account.key === key)) {
        await this.#secrets.delete(secretOf(key));
      }
    });
  }

  /** Removes the account in use and its token, in all windows. Returns it. */
  signOut(): Promise<StoredAccount | undefined> {
    return this.#serially(async () => {
      const before = await this.#read();
      const gone = before.accounts.find(({ key }) => key === before.current);
      await this.#write(before, before.accounts.filter((account) => account !== gone), undefined);
      if (gone !== undefined) await this.#secrets.delete(secretOf(gone.key));
      return gone;
    });
  }

  /** Deletes a token that this window's secret storage holds of an account that is gone. */
  forgetToken(key: string): Promise<void> {
    return this.#serially(async () => {
      if ((await this.#read()).accounts.some((account) => account.key === key)) return;
      await this.#secrets.delete(secretOf(key));
    });
  }

  async #read(): Promise<Shared> {
    const [stored, shown] = [parsed(await this.#secrets.get(LIST)), parsed(await this.#board.read())];
    const newest = shown.revision > stored.revision ? shown : stored;
    this.#known = newest.accounts;
    return newest;
  }

  async #write(before: Shared, accounts: readonly StoredAccount[], current: string | undefined): Promise<void> {
    const revision = Math.max(this.#now(), before.revision + 1);
    const text = JSON.stringify({ revision, accounts, current } satisfies { [K in keyof Shared]: unknown });
    this.#known = accounts;
    await this.#secrets.store(LIST, text);
    await this.#board.write(text);
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}

function secretOf(key: string): string {
  return `byokey.token.${key}`;
}

/** Anything but a list of this version, that of an older one included, is an empty list. */
function parsed(text: string | undefined): Shared {
  try {
    const shared = JSON.parse(text ?? "") as Partial<Shared>;
    return typeof shared.revision === "number" && Array.isArray(shared.accounts) ? (shared as Shared) : NONE;
  } catch {
    return NONE;
  }
}

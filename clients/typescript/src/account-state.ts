// The account as it is now, read again whenever the server says that it changed.

import type { Account, AccountReadResult } from "./generated/types.js";

/** What an account is kept current with. */
export interface AccountSource {
  readonly read: () => Promise<AccountReadResult>;
  /** Calls back whenever the account changes. */
  readonly onUpdate: (listener: () => void) => void;
  readonly closed: Promise<unknown>;
}

/** The account, kept current. Iterating over it gives the account as soon as it is known, and each change. */
export class AccountState implements AsyncIterable<Account | null> {
  readonly #read: AccountSource["read"];
  readonly #listeners = new Set<(account: Account | null) => void>();
  #waiting: (() => void)[] = [];
  #current: Account | null = null;
  /** How often it changed; the first read counts, whatever it tells. */
  #changes = 0;
  #isReading = false;
  #isStale = false;
  #isOver = false;

  constructor(source: AccountSource) {
    this.#read = source.read;
    source.onUpdate(() => void this.#refresh());
    void source.closed.then(() => this.#end());
    void this.#refresh();
  }

  /** The account; null if nobody is signed in, until it was read, and once the server has ended. */
  get current(): Account | null {
    return this.#current;
  }

  /** Calls `listener` with the account when it is first known, and at each change. The function that it returns stops that. */
  onChange(listener: (account: Account | null) => void): () => void {
    const entry = (account: Account | null): void => listener(account);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** The latest account, each change once. One who is slow gets the latest alone. It ends when the server has ended. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Account | null, void> {
    for (let seen = 0; ; ) {
      if (seen < this.#changes) {
        seen = this.#changes;
        yield this.#current;
      } else if (this.#isOver) {
        return;
      } else {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  /** However many changes come meanwhile, one more read tells the last of them. */
  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isStale && !this.#isOver) {
      this.#isStale = false;
      try {
        this.#set((await this.#read()).account ?? null);
      } catch {
        // What was known is still the best guess; the next change is read again.
      }
    }
    this.#isReading = false;
  }

  #set(account: Account | null): void {
    const isSame = this.#changes > 0 && JSON.stringify(account) === JSON.stringify(this.#current);
    if (this.#isOver || isSame) return;
    this.#current = account;
    this.#changes += 1;
    this.#wake();
    for (const listener of [...this.#listeners]) listener(account);
  }

  #end(): void {
    if (this.#current !== null) this.#set(null);
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

// The current account, read again after each `account/updated`.

import type { Account, AccountReadResult } from "./generated/types.js";

/** The dependencies of the account. */
export interface AccountSource {
  readonly read: () => Promise<AccountReadResult>;
  /** Calls back on every change of the account. */
  readonly onUpdate: (listener: () => void) => void;
  readonly closed: Promise<unknown>;
}

/**
 * The account, kept current. Iterating over it yields the account as soon as it is known, and each
 * change.
 */
export class AccountState implements AsyncIterable<Account | null> {
  readonly #read: AccountSource["read"];
  readonly #listeners = new Set<(account: Account | null) => void>();
  #waiting: (() => void)[] = [];
  #current: Account | null = null;
  /** The number of changes; the first read counts as one, whatever its result. */
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

  /** The account; null without a login, before the first read, and after the end of the server. */
  get current(): Account | null {
    return this.#current;
  }

  /**
   * Calls `listener` with the account when it is first known, and on each change. Returns a
   * function that stops this.
   */
  onChange(listener: (account: Account | null) => void): () => void {
    const entry = (account: Account | null): void => listener(account);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /**
   * Yields the latest account on each change. A slow reader skips intermediate ones. Ends with the
   * server.
   */
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

  /** Changes during a read lead to one more read (single-flight). */
  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isStale && !this.#isOver) {
      this.#isStale = false;
      try {
        this.#set((await this.#read()).account ?? null);
      } catch {
        // The last known account remains; the next change is read again.
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

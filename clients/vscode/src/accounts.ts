/** The user's accounts, stored in VS Code's secret storage. */

import type { SecretStorage } from "vscode";

/** The source of an account's tokens. */
export type Source = "pasted" | "command" | "session";

/** A stored account. */
export interface StoredAccount {
  /** Its name in the list of accounts. */
  readonly label: string;
  /** The source of new tokens. */
  readonly source: Source;
  /** Only for pasted tokens; those of other sources are requested each time. */
  readonly accessToken?: string;
  /** The workspace of a pasted token. */
  readonly chatgptAccountId?: string;
}

interface Kept {
  readonly accounts: readonly StoredAccount[];
  /** Label of the account in use; none after a logout. */
  readonly current?: string;
}

const KEY = "byokey.accounts";

/** The only code that reads and writes the secret storage. */
export class Accounts {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  /** All accounts, the latest first. */
  async list(): Promise<readonly StoredAccount[]> {
    return (await this.#read()).accounts;
  }

  /** The account to log in with when VS Code starts. */
  async current(): Promise<StoredAccount | undefined> {
    const { accounts, current } = await this.#read();
    return accounts.find((account) => account.label === current);
  }

  /** Stores it as the one in use, replacing one with the same label. */
  async use(account: StoredAccount): Promise<void> {
    const others = (await this.list()).filter(({ label }) => label !== account.label);
    await this.#write({ accounts: [account, ...others], current: account.label });
  }

  /** Removes the account with this label and its token. */
  async forget(label: string): Promise<void> {
    const others = (await this.list()).filter((account) => account.label !== label);
    await this.#write({ accounts: others });
  }

  async #read(): Promise<Kept> {
    const text = await this.#secrets.get(KEY);
    return text === undefined ? { accounts: [] } : (JSON.parse(text) as Kept);
  }

  async #write(kept: Kept): Promise<void> {
    await this.#secrets.store(KEY, JSON.stringify(kept));
  }
}

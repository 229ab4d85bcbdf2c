/** The accounts that the user signed in with. They are kept in VS Code's secret storage, whole. */

import type { SecretStorage } from "vscode";

/** Where the tokens of an account come from. */
export type Source = "pasted" | "command" | "session";

/** An account as it is kept. */
export interface StoredAccount {
  /** What the user sees in the list of accounts. */
  readonly label: string;
  /** Where new tokens come from. */
  readonly source: Source;
  /** Only for pasted tokens; those of other sources are asked for anew. */
  readonly accessToken?: string;
  /** The workspace of a pasted token. */
  readonly chatgptAccountId?: string;
}

interface Kept {
  readonly accounts: readonly StoredAccount[];
  /** Label of the account in use; none after a sign-out. */
  readonly current?: string;
}

const KEY = "byokey.accounts";

/** The one place that reads and writes the secret storage. */
export class Accounts {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  /** All of them, the latest first. */
  async list(): Promise<readonly StoredAccount[]> {
    return (await this.#read()).accounts;
  }

  /** The one to sign in with when VS Code starts. */
  async current(): Promise<StoredAccount | undefined> {
    const { accounts, current } = await this.#read();
    return accounts.find((account) => account.label === current);
  }

  /** Keeps it, in place of one with the same label, as the one in use. */
  async use(account: StoredAccount): Promise<void> {
    const others = (await this.list()).filter(({ label }) => label !== account.label);
    await this.#write({ accounts: [account, ...others], current: account.label });
  }

  /** Forgets the account with this label and its token. */
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

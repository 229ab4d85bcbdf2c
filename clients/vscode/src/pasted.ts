/** Tokens that the user pastes. They cannot be renewed without the user. */

import type { TokenProvider } from "@byokey/client";

import type { Accounts } from "./accounts.js";
import { claimsOf, type Claims } from "./identity.js";

/** A pasted token, and how to get another. */
export interface Pasted {
  readonly accessToken: string;
  readonly workspace: string;
  /** The key of the stored account; set once the first login has succeeded. */
  key?: string | undefined;
}

/** Prompts for another token; `undefined` if the user cancels, or if `signal` ends the prompt. */
export type AskForToken = (signal: AbortSignal) => Promise<string | undefined>;

/**
 * The provider for a pasted token. After a refusal the user is asked for another one, unless
 * another window has stored one meanwhile.
 */
export class PastedTokens {
  readonly #pasted: Pasted;
  readonly #accounts: Pick<Accounts, "token" | "renew" | "onChange">;
  readonly #ask: AskForToken;
  #token: string;

  constructor(pasted: Pasted, accounts: Pick<Accounts, "token" | "renew" | "onChange">, ask: AskForToken) {
    this.#pasted = pasted;
    this.#accounts = accounts;
    this.#ask = ask;
    this.#token = pasted.accessToken;
  }

  /** The token in use. */
  get token(): string {
    return this.#token;
  }

  readonly provider: TokenProvider = async ({ reason }, { signal }) => {
    if (reason !== "login") {
      const stored = await this.#stored();
      if (stored !== undefined && stored !== this.#token) this.#token = stored;
      else if (reason === "unauthorized") this.#token = await this.#another(signal);
    }
    return { accessToken: this.#token, chatgptAccountId: this.#pasted.workspace };
  };

  async #another(signal: AbortSignal): Promise<string> {
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    const { key } = this.#pasted;
    let stop = (): void => {};
    const elsewhere = new Promise<string>((resolve) => {
      stop = this.#accounts.onChange(() => {
        void this.#stored().then((stored) => stored !== undefined && stored !== this.#token && resolve(stored));
      });
    });
    try {
      const typed = this.#ask(ended);
      const first = await Promise.race([typed.then((token) => ({ token })), elsewhere.then((stored) => ({ stored }))]);
      if ("stored" in first) return first.stored;
      if (first.token === undefined) throw new Error("The token was refused, and no new one was pasted.");
      if (!isSameOwner(claimsOf(this.#token), claimsOf(first.token))) {
        throw new Error("That token is of another account. To change the account, use Sign In.");
      }
      signal.throwIfAborted();
      if (key !== undefined) await this.#accounts.renew(key, first.token);
      return first.token;
    } finally {
      over.abort();
      stop();
    }
  }

  async #stored(): Promise<string | undefined> {
    const { key } = this.#pasted;
    return key === undefined ? undefined : await this.#accounts.token(key);
  }
}

/** Members that one of the tokens does not have are not compared. */
function isSameOwner(one: Claims, other: Claims): boolean {
  const differ = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && a !== b;
  const isOther = one.user !== undefined && other.user !== undefined ? one.user !== other.user : differ(one.email, other.email);
  return !isOther && !differ(one.workspace, other.workspace);
}

/**
 * One server, and its logged-in account.
 *
 * A server that ends by itself is restarted and logged in again, with growing delays (backoff), so
 * that one that cannot run is not restarted constantly.
 */

import {
  RefreshFailedError,
  SignInRequiredError,
  type ByokeyClient,
  type RateLimitSnapshot,
  type TokenProvider,
  type Tokens,
} from "@byokey/client";

import type { StoredAccount } from "./accounts.js";
import { problemOf, type Problem } from "./problems.js";

/** The visible state. */
export type State =
  /** The server is starting, or a login is in progress. */
  | { readonly kind: "starting" }
  | { readonly kind: "signedOut" }
  | {
      readonly kind: "signedIn";
      readonly email: string | null;
      readonly plan: string | null;
      readonly limits: RateLimitSnapshot | undefined;
    }
  | ({ readonly kind: "failed" } & Problem);

/** The part of a client that a session uses. */
export type Client = Pick<
  ByokeyClient,
  "login" | "logout" | "readAccount" | "readRateLimits" | "on" | "closed" | "close"
>;

/** The dependencies of a session. */
export interface Surroundings {
  readonly spawn: (refreshTokens: TokenProvider) => Promise<Client>;
  readonly tokensOf: (account: StoredAccount) => TokenProvider;
  readonly onChange: (state: State) => void;
  /** Delays before the first, second, … restart in a row, in milliseconds. */
  readonly pauses?: readonly number[];
}

const PAUSES = [100, 500, 2_000, 10_000, 60_000];
/** A server that ran for this long counts as recovered. */
const HEALTHY_AFTER_MS = 30_000;

/** The session. Its methods do not throw: a failure is a state. */
export class Session {
  readonly #around: Surroundings;
  readonly #pauses: readonly number[];
  #client: Client | undefined;
  #account: StoredAccount | undefined;
  #tokens: TokenProvider | undefined;
  #limits: RateLimitSnapshot | undefined;
  /** Why the server's last refresh request failed. */
  #refreshFailure: unknown;
  /** Counts requested starts; only the last one may continue. */
  #start = 0;
  #endsInARow = 0;
  /** Aborted when the session is disposed. */
  readonly #over = new AbortController();

  constructor(around: Surroundings) {
    this.#around = around;
    this.#pauses = around.pauses ?? PAUSES;
  }

  /** Label of the logged-in account, or the one at the end of the server. */
  get label(): string | undefined {
    return this.#account?.label;
  }

  /** Replaces the running server, and logs in again. */
  async start(): Promise<void> {
    const start = ++this.#start;
    const old = this.#client;
    this.#client = undefined;
    this.#around.onChange({ kind: "starting" });
    await this.#orFail(async () => {
      await old?.close();
      const client = await this.#around.spawn((...question) => this.#refresh(...question));
      if (start !== this.#start || this.#over.signal.aborted) {
        await client.close();
        return;
      }
      this.#adopt(client);
      await this.#signInTo(client);
    });
  }

  /** Logs in with this account. */
  async signIn(account: StoredAccount): Promise<void> {
    await this.#orFail(async () => {
      this.#tokens = this.#around.tokensOf(account);
      this.#account = account;
      this.#limits = undefined;
      this.#around.onChange({ kind: "starting" });
      await (this.#client === undefined ? this.start() : this.#signInTo(this.#client));
    });
  }

  /** Logs out; the server has dropped the account when it returns. */
  async signOut(): Promise<void> {
    this.#account = undefined;
    this.#tokens = undefined;
    this.#limits = undefined;
    await this.#orFail(async () => {
      await this.#client?.logout();
      this.#around.onChange({ kind: "signedOut" });
    });
  }

  /** Reads the limits from the backend and shows them. */
  async readLimits(): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.#account === undefined) {
      return;
    }
    await this.#orFail(async () => {
      try {
        this.#limits = (await client.readRateLimits()).rateLimits;
      } catch (error) {
        if (error instanceof SignInRequiredError || error instanceof RefreshFailedError) {
          throw error;
        }
        // The account is fine, only its limits are unavailable for now.
        this.#limits = undefined;
      }
      await this.#show(client);
    });
  }

  dispose(): void {
    this.#over.abort();
    void this.#client?.close();
  }

  async #signInTo(client: Client): Promise<void> {
    if (this.#tokens === undefined) {
      this.#around.onChange({ kind: "signedOut" });
      return;
    }
    const question = { reason: "login", previousAccountId: null } as const;
    const tokens = await this.#tokens(question, { signal: this.#over.signal });
    await client.login({ type: "chatgptAuthTokens", ...tokens });
    await this.#show(client);
    await this.readLimits();
  }

  async #refresh(...question: Parameters<TokenProvider>): Promise<Tokens> {
    if (this.#tokens === undefined) {
      throw new Error("no account is signed in");
    }
    try {
      this.#refreshFailure = undefined;
      return await this.#tokens(...question);
    } catch (error) {
      this.#refreshFailure = error;
      throw error;
    }
  }

  #adopt(client: Client): void {
    this.#client = client;
    const startedAt = Date.now();
    client.on("account/rateLimits/updated", ({ rateLimits }) => {
      this.#limits = rateLimits;
      void this.#orFail(() => this.#show(client));
    });
    client.on("account/updated", () => void this.#orFail(() => this.#show(client)));
    void client.closed.then(() => {
      if (this.#client === client && !this.#over.signal.aborted) {
        this.#client = undefined;
        const wasHealthy = Date.now() - startedAt > HEALTHY_AFTER_MS;
        this.#endsInARow = wasHealthy ? 1 : this.#endsInARow + 1;
        this.#startLater();
      }
    });
  }

  #startLater(): void {
    this.#around.onChange({ kind: "starting" });
    const pause = this.#pauses[Math.min(this.#endsInARow, this.#pauses.length) - 1] ?? 0;
    setTimeout(() => {
      if (this.#client === undefined && !this.#over.signal.aborted) {
        void this.start();
      }
    }, pause);
  }

  async #show(client: Client): Promise<void> {
    const { account } = await client.readAccount();
    if (this.#client !== client) {
      return;
    }
    if (account?.type === "chatgpt") {
      const { email, planType } = account;
      this.#around.onChange({ kind: "signedIn", email, plan: planType, limits: this.#limits });
    } else {
      this.#around.onChange({ kind: "signedOut" });
    }
  }

  /** The end of the server is not shown as a failure: it is about to be restarted. */
  async #orFail(work: () => Promise<void>): Promise<void> {
    const client = this.#client;
    try {
      await work();
    } catch (error) {
      const isGone = client !== undefined && this.#client !== client;
      if (!this.#over.signal.aborted && !isGone) {
        // The server does not know why there were no tokens; the provider's own error does.
        const isRefresh = error instanceof RefreshFailedError;
        const cause = (isRefresh ? this.#refreshFailure : undefined) ?? error;
        this.#around.onChange({ kind: "failed", ...problemOf(cause) });
      }
    }
  }
}

/**
 * One server, and the account that is signed in there.
 *
 * A server that ends by itself is started again and signed in again; the pauses in between grow,
 * so that one that cannot run is not started for ever at full speed.
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

/** What there is to show. */
export type State =
  /** The server starts, or somebody is being signed in. */
  | { readonly kind: "starting" }
  | { readonly kind: "signedOut" }
  | {
      readonly kind: "signedIn";
      readonly email: string | null;
      readonly plan: string | null;
      readonly limits: RateLimitSnapshot | undefined;
    }
  | ({ readonly kind: "failed" } & Problem);

/** What a session needs of a client. */
export type Client = Pick<
  ByokeyClient,
  "login" | "logout" | "readAccount" | "readRateLimits" | "on" | "closed" | "close"
>;

/** What a session needs from outside. */
export interface Surroundings {
  readonly spawn: (refreshTokens: TokenProvider) => Promise<Client>;
  readonly tokensOf: (account: StoredAccount) => TokenProvider;
  readonly onChange: (state: State) => void;
  /** Pauses before the first, second, … new start in a row, in milliseconds. */
  readonly pauses?: readonly number[];
}

const PAUSES = [100, 500, 2_000, 10_000, 60_000];
/** A server that ran for this long had recovered. */
const HEALTHY_AFTER_MS = 30_000;

/** The session. Nothing that it does throws: what goes wrong is a state. */
export class Session {
  readonly #around: Surroundings;
  readonly #pauses: readonly number[];
  #client: Client | undefined;
  #account: StoredAccount | undefined;
  #tokens: TokenProvider | undefined;
  #limits: RateLimitSnapshot | undefined;
  /** Why the server's last question for tokens had no answer. */
  #refreshFailure: unknown;
  /** Counts starts that were asked for; only the last one may go on. */
  #start = 0;
  #endsInARow = 0;
  /** Aborted when the session is disposed of. */
  readonly #over = new AbortController();

  constructor(around: Surroundings) {
    this.#around = around;
    this.#pauses = around.pauses ?? PAUSES;
  }

  /** Label of the account that is signed in, or was when the server ended. */
  get label(): string | undefined {
    return this.#account?.label;
  }

  /** Starts the server in place of the one that runs, and signs in again. */
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

  /** Signs this account in. */
  async signIn(account: StoredAccount): Promise<void> {
    await this.#orFail(async () => {
      this.#tokens = this.#around.tokensOf(account);
      this.#account = account;
      this.#limits = undefined;
      this.#around.onChange({ kind: "starting" });
      await (this.#client === undefined ? this.start() : this.#signInTo(this.#client));
    });
  }

  /** Signs out; the server has forgotten the account when it returns. */
  async signOut(): Promise<void> {
    this.#account = undefined;
    this.#tokens = undefined;
    this.#limits = undefined;
    await this.#orFail(async () => {
      await this.#client?.logout();
      this.#around.onChange({ kind: "signedOut" });
    });
  }

  /** Asks the backend for the limits and shows them. */
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
        // The account is fine, only its limits are not to be had just now.
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
      throw new Error("nobody is signed in");
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

  /** An end of the server is not shown as a failure: it is about to be started again. */
  async #orFail(work: () => Promise<void>): Promise<void> {
    const client = this.#client;
    try {
      await work();
    } catch (error) {
      const isGone = client !== undefined && this.#client !== client;
      if (!this.#over.signal.aborted && !isGone) {
        // The server does not know why there were no tokens; who was asked for them does.
        const isRefresh = error instanceof RefreshFailedError;
        const cause = (isRefresh ? this.#refreshFailure : undefined) ?? error;
        this.#around.onChange({ kind: "failed", ...problemOf(cause) });
      }
    }
  }
}

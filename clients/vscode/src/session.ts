/**
 * One supervised server, and its logged-in account. The library's supervisor restarts an ended
 * server and logs in again; this displays the outcome.
 */

import {
  RefreshFailedError,
  SignInRequiredError,
  Supervisor,
  type ByokeyClient,
  type RateLimitSnapshot,
  type Supervised,
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
export type Client = Supervised & Pick<ByokeyClient, "readRateLimits">;

/** The dependencies of a session. */
export interface Surroundings {
  readonly spawn: (refreshTokens: TokenProvider) => Promise<Client>;
  readonly tokensOf: (account: StoredAccount) => TokenProvider;
  readonly onChange: (state: State) => void;
  /** Delays before the first, second, … restart in a row, in milliseconds. */
  readonly pauses?: readonly number[];
}

/** The session. Its methods do not throw: a failure is a state. */
export class Session {
  readonly #around: Surroundings;
  readonly #supervisor: Supervisor<Client>;
  #account: StoredAccount | undefined;
  #tokens: TokenProvider | undefined;
  #limits: RateLimitSnapshot | undefined;
  /** Why the server's last refresh request failed. */
  #refreshFailure: unknown;
  /** Manual starts in progress: they display their own outcome. */
  #starting = 0;
  #isOver = false;

  constructor(around: Surroundings) {
    this.#around = around;
    const refreshTokens: TokenProvider = (...question) => this.#refresh(...question);
    this.#supervisor = new Supervisor<Client>(() => around.spawn(refreshTokens), refreshTokens, {
      signIn: false,
      pausesMs: around.pauses,
      onClose: ({ error }) => {
        if (error === undefined) around.onChange({ kind: "starting" });
        else around.onChange({ kind: "failed", ...problemOf(error) });
      },
      onRestart: ({ signInError }) => {
        if (this.#starting > 0) return;
        void this.#orFail(() => (signInError === undefined ? this.#showAll() : Promise.reject(signInError)));
      },
    });
    this.#supervisor.on("account/rateLimits/updated", ({ rateLimits }) => {
      this.#limits = rateLimits;
      void this.#orFail(() => this.#show());
    });
    this.#supervisor.on("account/updated", () => void this.#orFail(() => this.#show()));
  }

  /** Label of the logged-in account, or the one at the end of the server. */
  get label(): string | undefined {
    return this.#account?.label;
  }

  /** Replaces the running server, and logs in again. */
  async start(): Promise<void> {
    this.#around.onChange({ kind: "starting" });
    await this.#orFail(async () => {
      await this.#restart();
      await this.#showAll();
    });
  }

  /** Logs in with this account. */
  async signIn(account: StoredAccount): Promise<void> {
    await this.#orFail(async () => {
      this.#tokens = this.#around.tokensOf(account);
      this.#account = account;
      this.#limits = undefined;
      this.#around.onChange({ kind: "starting" });
      if (this.#supervisor.client === undefined) await this.#restart();
      await this.#supervisor.signIn();
      await this.#showAll();
    });
  }

  /** Logs out; the server has dropped the account when it returns. */
  async signOut(): Promise<void> {
    this.#account = undefined;
    this.#tokens = undefined;
    this.#limits = undefined;
    await this.#orFail(async () => {
      await this.#supervisor.signOut();
      this.#around.onChange({ kind: "signedOut" });
    });
  }

  /** Reads the limits from the backend and shows them. */
  async readLimits(): Promise<void> {
    const { client } = this.#supervisor;
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
      await this.#show();
    });
  }

  dispose(): void {
    this.#isOver = true;
    void this.#supervisor.close();
  }

  async #restart(): Promise<void> {
    this.#starting += 1;
    try {
      await this.#supervisor.restart();
    } finally {
      this.#starting -= 1;
    }
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

  async #showAll(): Promise<void> {
    await this.#show();
    await this.readLimits();
  }

  async #show(): Promise<void> {
    const { client } = this.#supervisor;
    if (client === undefined) {
      return;
    }
    const { account } = await client.readAccount();
    if (this.#supervisor.client !== client) {
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
    const { client } = this.#supervisor;
    try {
      await work();
    } catch (error) {
      const isGone = client !== undefined && this.#supervisor.client !== client;
      if (!this.#isOver && !isGone) {
        // The server does not know why there were no tokens; the provider's own error does.
        const isRefresh = error instanceof RefreshFailedError;
        const cause = (isRefresh ? this.#refreshFailure : undefined) ?? error;
        this.#around.onChange({ kind: "failed", ...problemOf(cause) });
      }
    }
  }
}

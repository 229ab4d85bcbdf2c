/**
 * One supervised server, which knows one account for as long as it lives. A switch takes another
 * server, so tokens of two accounts never meet.
 */

import {
  LoginError,
  RefreshFailedError,
  SignInRequiredError,
  Supervisor,
  type ByokeyClient,
  type RateLimitSnapshot,
  type Supervised,
  type TokenProvider,
} from "@byokey/client";

import type { Source } from "./accounts.js";
import { claimsOf, identify, type Claims, type Identity } from "./identity.js";

/** The part of a client that this uses. */
export type Client = Supervised & Pick<ByokeyClient, "readRateLimits" | "request" | "loginInBrowser" | "loginWithDeviceCode">;

/** How an account logs in. */
export interface Way {
  readonly source: Source;
  /** Of accounts whose tokens come from this host. */
  readonly tokens?: TokenProvider;
  /** Of logins of the server: the folder and the kind of its store. */
  readonly home?: string;
  readonly store?: string;
  /** Of new logins of the server: has the user log in. Without it the stored login is used. */
  readonly interact?: (client: Client, signal: AbortSignal) => Promise<unknown>;
  /** The token to store for the account, once it is in force. */
  readonly tokenToStore?: () => string | undefined;
  /** Called with the key of the account when it is in force. */
  readonly onKnown?: (key: string) => void;
}

/** What is shown of an account. */
export interface Shown {
  readonly email: string | null;
  readonly plan: string | null;
  readonly limits: RateLimitSnapshot | undefined;
}

/** The dependencies of a running account. */
export interface RunningOptions {
  readonly spawn: (way: Way, refreshTokens: TokenProvider | undefined) => Promise<Client>;
  /** Deletes the folder of a login of the server. */
  readonly removeHome: (home: string) => Promise<void>;
  /** Delays before the first, second, … restart in a row, in milliseconds. */
  readonly pauses?: readonly number[];
}

/** What a running account reports. Nothing is reported after its end. */
export interface Reports {
  /** The server has ended; `error` if it cannot be started again. */
  readonly onEnd: (error: unknown) => void;
  /** The server is back; `error` if the login failed. */
  readonly onBack: (error: unknown) => void;
  /** The account or its limits may have changed. */
  readonly onChange: () => void;
}

/** An account with its server. */
export class Running {
  readonly way: Way;
  readonly #options: RunningOptions;
  readonly #supervisor: Supervisor<Client>;
  readonly #over = new AbortController();
  #claims: Claims = { user: undefined, email: undefined, workspace: undefined };
  #workspace: string | undefined;
  #limits: RateLimitSnapshot | undefined;
  /** Why the server's last request for tokens failed. */
  #refreshFailure: unknown;
  #isStarting = false;
  /** Whether the account was stored: its login is kept at the end. */
  isStored = false;

  constructor(way: Way, options: RunningOptions, reports: Reports) {
    this.way = way;
    this.#options = options;
    const provider = way.tokens && this.#watched(way.tokens);
    this.#supervisor = new Supervisor<Client>(() => options.spawn(way, provider), provider, {
      pausesMs: options.pauses,
      onClose: ({ error }) => reports.onEnd(error),
      onRestart: ({ signInError }) => {
        if (!this.#isStarting) reports.onBack(signInError);
      },
    });
    this.#supervisor.on("account/rateLimits/updated", ({ rateLimits }) => {
      this.#limits = rateLimits;
      reports.onChange();
    });
    this.#supervisor.on("account/updated", () => reports.onChange());
  }

  /** The client of the running server, if it runs. */
  get client(): Client | undefined {
    return this.#supervisor.client;
  }

  /** Starts the server and logs in. A refusal by the backend fails it, too. */
  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#over.abort(), { once: true });
    await this.restart();
    const { client } = this;
    if (client !== undefined) await this.way.interact?.(client, signal);
    await this.readLimits();
  }

  /** Starts another server in place of the running one, and logs in again. */
  async restart(): Promise<void> {
    this.#isStarting = true;
    try {
      await this.#supervisor.restart();
    } finally {
      this.#isStarting = false;
    }
  }

  /**
   * The owner of the login in force. The backend names the workspace of a login of the server with
   * its limits; the token is asked for only if it did not.
   */
  async identity(): Promise<Identity> {
    const client = await this.#supervisor.ready();
    const { account, userId } = await client.readAccount();
    if (account?.type !== "chatgpt") {
      throw new Error("The login is not there any more. Sign in again.");
    }
    if (this.#workspace === undefined) this.#claims = claimsOf((await this.token()) ?? "");
    const workspace = this.#workspace === undefined ? {} : { workspace: this.#workspace };
    return identify({ userId: userId ?? null, email: account.email, ...workspace }, this.#claims);
  }

  /** The access token in force. A secret: never log it. */
  async token(): Promise<string | undefined> {
    const client = await this.#supervisor.ready();
    return (await client.request("getAuthStatus", { includeToken: true })).authToken ?? undefined;
  }

  /** The account as it is now; `undefined` if it is not logged in, or has no server just now. */
  async read(): Promise<Shown | undefined> {
    const { client } = this;
    const account = (await client?.readAccount())?.account;
    if (account?.type !== "chatgpt" || this.client !== client) return undefined;
    return { email: account.email, plan: account.planType, limits: this.#limits };
  }

  /** Reads the limits. Fails only where the account has to log in again. */
  async readLimits(): Promise<void> {
    try {
      const limits = await this.client?.readRateLimits();
      this.#limits = limits?.rateLimits;
      this.#workspace ??= limits?.accountId ?? undefined;
    } catch (error) {
      const isOfLogin = [SignInRequiredError, RefreshFailedError, LoginError].some((each) => error instanceof each);
      if (isOfLogin) throw error;
      // The account is fine, only its limits are unavailable for now.
      this.#limits = undefined;
    }
  }

  /** The server does not know why there were no tokens; the provider's own error does. */
  causeOf(error: unknown): unknown {
    return (error instanceof RefreshFailedError ? this.#refreshFailure : undefined) ?? error;
  }

  /** Ends the server. A login in its store stays there. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#supervisor.close();
  }

  /** Logs out and ends the server; a login of the server is revoked and leaves its store. */
  async discard(): Promise<void> {
    this.#over.abort();
    try {
      await this.#supervisor.signOut();
    } finally {
      await this.#supervisor.close();
    }
    if (this.way.home !== undefined) await this.#options.removeHome(this.way.home);
  }

  #watched(tokens: TokenProvider): TokenProvider {
    return async (request, context) => {
      try {
        this.#refreshFailure = undefined;
        const signal = AbortSignal.any([context.signal, this.#over.signal]);
        const given = await tokens(request, { ...context, signal });
        // The account was left while its tokens were fetched.
        signal.throwIfAborted();
        const { accessToken } = given;
        this.#claims = claimsOf(typeof accessToken === "string" ? accessToken : accessToken.expose());
        this.#workspace = given.chatgptAccountId;
        return given;
      } catch (error) {
        this.#refreshFailure = error;
        throw error;
      }
    };
  }
}

// Supervises a server: restarts it when it ends.
//
// The delays between starts grow (backoff), so that a program that cannot run is not restarted
// constantly. Listeners belong to the supervisor and get the events of every server; after a
// restart it logs in again.

import { AccountState } from "./account-state.js";
import type { Params } from "./calls.js";
import { ByokeyClient, type SpawnOptions } from "./client.js";
import { ByokeyError, ConnectionClosedError } from "./errors.js";
import { type Event, type EventName, type EventParams, Events } from "./events.js";
import type { BearerTokenProvider, TokenContext, TokenProvider } from "./providers/provider.js";
import type { ExitStatus } from "./transport.js";

/** What follows the end of a server. */
export type CloseAction = "restart" | "doNotRestart";

/** The end of a server, or a failed start. */
export interface ServerEnd {
  /** The exit status of the process, if it had started. */
  readonly exit: ExitStatus | undefined;
  /** Why a restart failed; `undefined` where a running server ended. */
  readonly error: unknown;
  /** The number of consecutive ends; a server that ran for 30 seconds resets it. */
  readonly endsInARow: number;
  /** The delay before the next start, in milliseconds. */
  readonly pauseMs: number;
}

/** A server that replaced an ended one. */
export interface Restart<C = ByokeyClient> {
  /** The new server. Threads of the old one are lost. */
  readonly client: C;
  /** The number of restarts, including this one. */
  readonly restarts: number;
  /** Why the new login failed; `undefined` if it succeeded or was not needed. */
  readonly signInError: unknown;
}

/** The recipient of the bearer tokens that a supervisor logs in with. */
export interface BearerLogin {
  /** Scheme, host and port of the configured provider, such as `https://api.openai.com`. */
  readonly origin: string;
  /** A name of the account for users. */
  readonly label?: string | null | undefined;
}

/** Options of the supervision. */
export interface Supervision<C = ByokeyClient> {
  /**
   * Whether to log in through the token provider at the start and at each restart. Default: whether
   * there is a provider, or a `bearerLogin`.
   */
  readonly signIn?: boolean | undefined;
  /**
   * Has it log in with a bearer token of `refreshBearerToken`, requested with the reason `login`,
   * instead of ChatGPT tokens.
   */
  readonly bearerLogin?: BearerLogin | undefined;
  /** Called when a new, logged-in server has replaced an ended one. */
  readonly onRestart?: ((restart: Restart<C>) => void) | undefined;
  /** Decides what follows the end of a server; by default it is always restarted. */
  readonly onClose?: ((end: ServerEnd) => CloseAction | undefined | void) | undefined;
  /** Delays before the first, second, … start in a row; the last one is the maximum. */
  readonly pausesMs?: readonly number[] | undefined;
}

/** Options for spawning a supervised server. */
export type SupervisorOptions = SpawnOptions & Supervision;

/** The part of a client that a supervisor uses. */
export type Supervised = Pick<ByokeyClient, "login" | "logout" | "readAccount" | "events" | "closed" | "close">;

const PAUSES_MS = [100, 500, 2_000, 10_000, 60_000] as const;
const HEALTHY_AFTER_MS = 30_000;

/** A supervised server. */
export class Supervisor<C extends Supervised = ByokeyClient> {
  /** Resolves when the server has ended and will not be restarted. */
  readonly closed: Promise<void>;
  readonly #spawn: (refreshTokens: TokenProvider | undefined) => Promise<C>;
  readonly #provider: TokenProvider | undefined;
  readonly #bearerProvider: BearerTokenProvider | undefined;
  readonly #options: Supervision<C>;
  readonly #events = new Events();
  readonly #over = new AbortController();
  #setClosed!: () => void;
  #client: C | undefined;
  #waiting: { resolve: (client: C) => void; reject: (error: unknown) => void }[] = [];
  #account: AccountState | undefined;
  #onClient: (() => void)[] = [];
  #isSignedIn: boolean;
  #accountId: string | null = null;
  /** Counts explicit changes of the account; tokens requested before one are not used. */
  #changes = 0;
  /** Counts starts; only the last one continues. */
  #starts = 0;
  #restarts = 0;
  #endsInARow = 0;
  #wake: (() => void) | undefined;

  /** For tests and for hosts with a client of their own; others call `Supervisor.start`. */
  constructor(
    spawn: (refreshTokens: TokenProvider | undefined) => Promise<C>,
    provider: TokenProvider | undefined,
    options: Supervision<C> = {},
    bearerProvider?: BearerTokenProvider,
  ) {
    if (options.bearerLogin !== undefined && bearerProvider === undefined) {
      throw new TypeError("`bearerLogin` needs `refreshBearerToken`, which supplies its tokens");
    }
    this.#spawn = spawn;
    this.#provider = provider;
    this.#bearerProvider = bearerProvider;
    this.#options = options;
    this.#isSignedIn = options.signIn ?? (provider !== undefined || options.bearerLogin !== undefined);
    this.closed = new Promise((resolve) => (this.#setClosed = resolve));
  }

  /**
   * Starts a server, logs in, and keeps it running. The first start fails as `ByokeyClient.spawn`
   * does.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const spawn = (): Promise<ByokeyClient> => ByokeyClient.spawn(options);
    const supervisor = new Supervisor(spawn, options.refreshTokens, options, options.refreshBearerToken);
    try {
      await supervisor.restart();
    } catch (error) {
      await supervisor.close();
      throw error;
    }
    supervisor.#releaseSoon();
    return supervisor;
  }

  /** The running server; `undefined` without one. */
  get client(): C | undefined {
    return this.#client;
  }

  /** Resolves with the running server, now or after the restart. */
  ready(): Promise<C> {
    if (this.#client !== undefined) return Promise.resolve(this.#client);
    if (this.#over.signal.aborted) return Promise.reject(isClosed());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The account, kept current across restarts from the first use of this on. */
  get account(): AccountState {
    this.#account ??= new AccountState({
      read: async () => (await this.ready()).readAccount(),
      onUpdate: (listener) => {
        this.on("account/updated", listener);
        this.#onClient.push(listener);
      },
      closed: this.closed,
    });
    return this.#account;
  }

  /** Requests tokens from the provider and logs in, now and after each restart. */
  async signIn(): Promise<void> {
    this.#isSignedIn = true;
    this.#changes += 1;
    await this.#signInTo(await this.ready());
  }

  /** Logs out, also for later servers. Tokens requested before are not used. */
  async signOut(): Promise<void> {
    this.#isSignedIn = false;
    this.#accountId = null;
    this.#changes += 1;
    try {
      await this.#client?.logout();
    } catch (error) {
      // A server that has ended meanwhile has dropped the account, too.
      if (!(error instanceof ConnectionClosedError)) throw error;
    }
  }

  /** All events from now on, of this server and of later ones. */
  events(): AsyncIterableIterator<Event> {
    this.#releaseSoon();
    return this.#events.stream();
  }

  /**
   * Calls `listener` with the parameters of each event of this name, across restarts. Returns a
   * function that stops this.
   */
  on<N extends EventName>(name: N, listener: (params: EventParams<N>) => void): () => void;
  on(name: string, listener: (params: unknown) => void): () => void;
  on(name: string, listener: (params: never) => void): () => void {
    this.#releaseSoon();
    return this.#events.on(name, listener as (params: unknown) => void);
  }

  /** Ends the running server, and starts another one. Fails if the start or the login fails. */
  async restart(): Promise<void> {
    const start = ++this.#starts;
    const isFirst = start === 1;
    this.#endsInARow = 0;
    const old = this.#client;
    this.#client = undefined;
    await old?.close();
    await this.#start(start, isFirst, true);
  }

  /** Ends the server permanently. */
  async close(): Promise<void> {
    if (!this.#over.signal.aborted) {
      this.#over.abort();
      this.#starts += 1;
      this.#wake?.();
      const client = this.#client;
      this.#client = undefined;
      await client?.close();
      this.#end();
    }
    await this.closed;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(start: number, isFirst: boolean, isByHand: boolean): Promise<void> {
    const client = await this.#spawn(this.#provider);
    if (start !== this.#starts || this.#over.signal.aborted) {
      await client.close();
      return;
    }
    this.#adopt(client);
    let signInError: unknown;
    try {
      if (this.#isSignedIn) await this.#signInTo(client);
    } catch (error) {
      if (isByHand && this.#client === client) throw error;
      signInError = error;
    }
    if (this.#client !== client) return;
    if (!isFirst) {
      this.#restarts += 1;
      this.#options.onRestart?.({ client, restarts: this.#restarts, signInError });
    }
  }

  #adopt(client: C): void {
    const startedAt = Date.now();
    this.#client = client;
    void this.#pass(client.events());
    for (const { resolve } of this.#waiting.splice(0)) resolve(client);
    for (const listener of this.#onClient) listener();
    void client.closed.then((exit) => {
      if (this.#client !== client) return;
      this.#client = undefined;
      if (Date.now() - startedAt > HEALTHY_AFTER_MS) this.#endsInARow = 0;
      void this.#again(exit, undefined);
    });
  }

  /** Restarts with delays until a server runs or `onClose` stops it. */
  async #again(exit: ExitStatus | undefined, error: unknown): Promise<void> {
    const pauses = this.#options.pausesMs ?? PAUSES_MS;
    this.#endsInARow += 1;
    const pauseMs = pauses[Math.min(this.#endsInARow, pauses.length) - 1] ?? 0;
    const end = { exit, error, endsInARow: this.#endsInARow, pauseMs };
    if (this.#options.onClose?.(end) === "doNotRestart") {
      this.#over.abort();
      this.#end();
      return;
    }
    const start = ++this.#starts;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (start !== this.#starts || this.#over.signal.aborted) return;
    try {
      await this.#start(start, false, false);
    } catch (failure) {
      if (start === this.#starts && !this.#over.signal.aborted) await this.#again(undefined, failure);
    }
  }

  async #signInTo(client: C): Promise<void> {
    const changes = this.#changes;
    const login = await this.#newLogin();
    // A later logout, switch or new server wins.
    if (login === undefined || changes !== this.#changes || this.#client !== client) return;
    await client.login(login);
    if (changes === this.#changes && "chatgptAccountId" in login) this.#accountId = login.chatgptAccountId;
  }

  /** Asks the provider, and returns the login with its answer; `undefined` without a provider. */
  async #newLogin(): Promise<Params<"account/login/start"> | undefined> {
    const context: TokenContext = { signal: this.#over.signal };
    const { bearerLogin } = this.#options;
    if (bearerLogin !== undefined && this.#bearerProvider !== undefined) {
      const { origin, label = null } = bearerLogin;
      const { token, expiresAt = null } = await this.#bearerProvider({ reason: "login", origin }, context);
      return { type: "bearerToken", token, origin, expiresAt, label };
    }
    const provider = this.#provider;
    if (provider === undefined) return undefined;
    const tokens = await provider({ reason: "login", previousAccountId: this.#accountId }, context);
    const { accessToken, chatgptAccountId, chatgptPlanType = null } = tokens;
    return { type: "chatgptAuthTokens", accessToken, chatgptAccountId, chatgptPlanType };
  }

  /**
   * Events before the host could listen are delivered to listeners added in this turn of the event
   * loop.
   */
  #releaseSoon(): void {
    setImmediate(() => this.#events.release());
  }

  async #pass(events: AsyncIterable<Event>): Promise<void> {
    try {
      for await (const { method, params } of events) this.#events.tell(method, params);
    } catch {
      // The reader lost events; those of the next server are delivered again.
    }
  }

  #end(): void {
    this.#events.end();
    for (const { reject } of this.#waiting.splice(0)) reject(isClosed());
    this.#setClosed();
  }
}

function isClosed(): ByokeyError {
  return new ByokeyError("The supervisor was closed, or `onClose` did not restart the server.");
}

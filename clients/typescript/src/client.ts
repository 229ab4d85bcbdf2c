// The client: one method per operation of a host.

import { AccountState } from "./account-state.js";
import type { CallArguments, CallOptions, Method, Params, Result } from "./calls.js";
import { Connection } from "./connection.js";
import { findProgram } from "./discovery.js";
import { StartTimeoutError } from "./errors.js";
import { type Event, type EventName, type EventParams, Events } from "./events.js";
import type {
  BearerTokenRefreshParams,
  ClientCapabilities,
  ClientInfo,
  InitializeResult,
  LoginStartResultChatgpt,
  LoginStartResultChatgptDeviceCode,
  RefreshParams,
} from "./generated/types.js";
import { explainEnd } from "./identify.js";
import { type DeviceCode, waitForLogin } from "./logins.js";
import {
  type BearerTokenProvider,
  onlyBearer,
  onlyTokens,
  type TokenContext,
  type TokenProvider,
} from "./providers/provider.js";
import { redact } from "./redact.js";
import { run, type RunOptions, type RunResult } from "./run.js";
import { startProcess } from "./stdio.js";
import type { ExitStatus, Transport } from "./transport.js";

/**
 * Options for spawning the server. The compiler demands one of: a token provider, one of bearer
 * tokens, or `serverOwnsLogin`.
 */
export type SpawnOptions = CommonOptions &
  (
    | {
        /** Supplies new tokens when the backend refuses the old ones. */
        readonly refreshTokens: TokenProvider;
        /** Supplies new bearer tokens, if the host logs in with `bearerToken`, too. */
        readonly refreshBearerToken?: BearerTokenProvider | undefined;
        readonly serverOwnsLogin?: false | undefined;
      }
    | {
        readonly refreshTokens?: undefined;
        /** Supplies a new token when the provider refuses that of a login with `bearerToken`. */
        readonly refreshBearerToken: BearerTokenProvider;
        readonly serverOwnsLogin?: false | undefined;
      }
    | {
        readonly refreshTokens?: undefined;
        readonly refreshBearerToken?: BearerTokenProvider | undefined;
        /**
         * The login is the server's own: in the browser, with a device code, a key, or a stored
         * one.
         */
        readonly serverOwnsLogin: true;
      }
  );

/** Common options of all servers. */
export interface CommonOptions {
  /** Name and version of the host. */
  readonly clientInfo: ClientInfo;
  /**
   * The program. By default `BYOKEY_BIN`, then the program bundled with this package, then `byokey`
   * on the search path.
   */
  readonly command?: string | undefined;
  /** Its arguments, instead of `["app-server"]`. */
  readonly args?: readonly string[] | undefined;
  /** Its environment, instead of that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly workingDirectory?: string | undefined;
  /** The host's capabilities. */
  readonly capabilities?: ClientCapabilities | undefined;
  /**
   * Called with each line of the server's standard error, and of a token command's, redacted. By
   * default only the last lines are kept, for errors.
   */
  readonly onLog?: ((line: string) => void) | undefined;
  /** Timeout of the handshake, in milliseconds: 10,000 by default. */
  readonly startTimeoutMs?: number | undefined;
}

const START_TIMEOUT_MS = 10_000;
const REFRESH = "account/chatgptAuthTokens/refresh";
const BEARER_REFRESH = "account/bearerToken/refresh";

/** A running server. */
export class ByokeyClient {
  /** The server's description of itself. */
  readonly server: InitializeResult;
  /** Resolves when the server has ended, for whatever reason. */
  readonly closed: Promise<ExitStatus>;
  /** The id of the server's process. */
  readonly pid: number | undefined;
  readonly #connection: Connection;
  readonly #events: Events;
  #account: AccountState | undefined;

  private constructor(
    server: InitializeResult,
    connection: Connection,
    events: Events,
    pid: number | undefined,
  ) {
    this.server = server;
    this.closed = connection.closed;
    this.pid = pid;
    this.#connection = connection;
    this.#events = events;
  }

  /** Starts a server and runs the handshake. */
  static async spawn(options: SpawnOptions): Promise<ByokeyClient> {
    const { refreshTokens, refreshBearerToken, serverOwnsLogin } = options;
    if (refreshTokens === undefined && refreshBearerToken === undefined && !serverOwnsLogin) {
      throw new TypeError("`refreshTokens` or `refreshBearerToken` is required, or `serverOwnsLogin: true`");
    }
    const events = new Events();
    const over = new AbortController();
    const found = findProgram(options.command);
    const transport = await startProcess({
      ...found,
      args: options.args ?? ["app-server"],
      environment: options.environment,
      workingDirectory: options.workingDirectory,
      onLog: options.onLog,
    });
    const connection = new Connection(transport, {
      answer: (method, params) => {
        const context = { signal: over.signal, onLog: options.onLog };
        if (method === REFRESH && refreshTokens !== undefined) {
          return refresh(refreshTokens, params as RefreshParams, context);
        }
        if (method === BEARER_REFRESH && refreshBearerToken !== undefined) {
          return bearerRefresh(refreshBearerToken, params as BearerTokenRefreshParams, context);
        }
        return undefined;
      },
      tell: (method, params) => events.tell(method, params),
    });
    void connection.closed.then(() => {
      over.abort();
      events.end();
    });
    let server: InitializeResult;
    try {
      server = await shakeHands(connection, transport, options);
    } catch (error) {
      throw await explainEnd(error, found);
    }
    if (server.serverInfo?.name === "byokey") connection.trustTexts();
    // A stream opened right after this gets all events.
    setImmediate(() => events.release());
    return new ByokeyClient(server, connection, events, transport.pid);
  }

  /**
   * The account, kept current from the first use of this on, which reads it, as does every
   * `account/updated`.
   */
  get account(): AccountState {
    this.#account ??= new AccountState({
      read: () => this.readAccount(),
      onUpdate: (listener) => void this.on("account/updated", listener),
      closed: this.closed,
    });
    return this.#account;
  }

  /** Starts a login. Tokens and keys are in force when this resolves. */
  login(params: Params<"account/login/start">, options?: CallOptions): Promise<Result<"account/login/start">> {
    return this.request("account/login/start", params, options);
  }

  /** Cancels a pending login. */
  cancelLogin(loginId: string, options?: CallOptions): Promise<Result<"account/login/cancel">> {
    return this.request("account/login/cancel", { loginId }, options);
  }

  /** Completes a browser login with the address that the browser was redirected to. */
  completeLogin(
    loginId: string,
    redirectUrl: string,
    options?: CallOptions,
  ): Promise<Result<"account/login/complete">> {
    return this.request("account/login/complete", { loginId, redirectUrl }, options);
  }

  /** Logs out. A login of the server is also revoked, unless `revoke` is false. */
  logout(revoke?: boolean, options?: CallOptions): Promise<Result<"account/logout">> {
    return this.request("account/logout", revoke === undefined ? {} : { revoke }, options);
  }

  /**
   * Logs in with the browser: `open` is called with the page to open, and the account is returned
   * when the user is done. `signal` cancels it; a login is pending for at most 15 minutes.
   */
  loginInBrowser(open: (authUrl: string) => unknown, options: CallOptions = {}): Promise<Result<"account/read">> {
    const opened = ({ authUrl }: LoginStartResultChatgpt): unknown => open(authUrl);
    return waitForLogin(this, "chatgpt", opened, options, this.#textOf);
  }

  /**
   * Logs in with a code that the user enters on any device: `show` is called with the page and the
   * code.
   */
  loginWithDeviceCode(
    show: (code: DeviceCode) => unknown,
    options: CallOptions = {},
  ): Promise<Result<"account/read">> {
    const shown = ({ verificationUrl, userCode }: LoginStartResultChatgptDeviceCode): unknown =>
      show({ verificationUrl, userCode });
    return waitForLogin(this, "chatgptDeviceCode", shown, options, this.#textOf);
  }

  /** Returns the account, without network requests. */
  readAccount(options?: CallOptions): Promise<Result<"account/read">> {
    return this.request("account/read", {}, options);
  }

  /** Reads the rate limits from the backend. */
  readRateLimits(options?: CallOptions): Promise<Result<"account/rateLimits/read">> {
    return this.request("account/rateLimits/read", {}, options);
  }

  /** Reads the token usage from the backend. */
  readUsage(options?: CallOptions): Promise<Result<"account/usage/read">> {
    return this.request("account/usage/read", {}, options);
  }

  /** Lists the available models of the backend. */
  listModels(options?: CallOptions): Promise<Result<"model/list">> {
    return this.request("model/list", {}, options);
  }

  /** Starts a conversation. */
  startThread(params: Params<"thread/start"> = {}, options?: CallOptions): Promise<Result<"thread/start">> {
    return this.request("thread/start", params, options);
  }

  /** Resumes a conversation of this server. */
  resumeThread(threadId: string, options?: CallOptions): Promise<Result<"thread/resume">> {
    return this.request("thread/resume", { threadId }, options);
  }

  /** Starts a turn in a conversation. The answer arrives as events. */
  startTurn(params: Params<"turn/start">, options?: CallOptions): Promise<Result<"turn/start">> {
    return this.request("turn/start", params, options);
  }

  /** Asks one question and returns the whole answer; `onDelta` is called with each delta. */
  run(text: string, options: RunOptions = {}): Promise<RunResult> {
    return run(this, text, options, this.#textOf);
  }

  /** Interrupts a turn. */
  interruptTurn(threadId: string, turnId: string, options?: CallOptions): Promise<Result<"turn/interrupt">> {
    return this.request("turn/interrupt", { threadId, turnId }, options);
  }

  /** Calls any method. Known ones are type-checked. */
  request<M extends Method | (string & {})>(method: M, ...args: CallArguments<M>): Promise<Result<M>> {
    const [params, options] = args as [params?: unknown, options?: CallOptions];
    return this.#connection.request(method, params, options?.signal) as Promise<Result<M>>;
  }

  /**
   * Returns a stream of all events from now on. It ends with the server; each call returns a stream
   * of its own.
   */
  events(): AsyncIterableIterator<Event> {
    return this.#events.stream();
  }

  /**
   * Calls `listener` with the parameters of each event of this name. Returns a function that stops
   * this.
   */
  on<N extends EventName>(name: N, listener: (params: EventParams<N>) => void): () => void;
  /** The same for events that this version does not know. */
  on(name: string, listener: (params: unknown) => void): () => void;
  on(name: string, listener: (params: never) => void): () => void {
    return this.#events.on(name, listener as (params: unknown) => void);
  }

  /** The displayable part of a text of the server. */
  readonly #textOf = (message: string): string | undefined =>
    this.server.serverInfo?.name === "byokey" && message !== "" ? redact(message) : undefined;

  /** Ends the server. Pending calls fail at once. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function shakeHands(
  connection: Connection,
  transport: Transport,
  options: SpawnOptions,
): Promise<InitializeResult> {
  const { clientInfo, capabilities, startTimeoutMs = START_TIMEOUT_MS } = options;
  const tooLate = new AbortController();
  const timer = setTimeout(
    () => tooLate.abort(new StartTimeoutError(startTimeoutMs, transport.launched)),
    startTimeoutMs,
  );
  try {
    const params = { clientInfo, capabilities, processId: process.pid };
    const server = await connection.request("initialize", params, tooLate.signal);
    connection.notify("initialized");
    return server as InitializeResult;
  } catch (error) {
    await connection.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function refresh(provider: TokenProvider, params: RefreshParams, context: TokenContext): Promise<unknown> {
  const { reason, previousAccountId = null } = params;
  return onlyTokens(await provider({ reason, previousAccountId }, context));
}

async function bearerRefresh(
  provider: BearerTokenProvider,
  params: BearerTokenRefreshParams,
  context: TokenContext,
): Promise<unknown> {
  const { reason, origin } = params;
  return onlyBearer(await provider({ reason, origin }, context));
}

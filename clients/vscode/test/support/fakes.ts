/** A client, a secret storage and windows without VS Code. */

import { Accounts, type StoredAccount } from "../../src/accounts.js";
import type { Board } from "../../src/board.js";
import type { Problem } from "../../src/problems.js";
import type { Client, Way } from "../../src/running.js";
import { Session, type State } from "../../src/session.js";

/** A made-up token of this person and workspace. */
export function madeUp(user: string, workspace: string, mark = "made-up"): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const auth = { chatgpt_user_id: `user-${user}`, chatgpt_account_id: workspace };
  return `${part({ alg: "none" })}.${part({ email: `${user}@example.test`, mark, "https://api.openai.com/auth": auth })}.${part("made up")}`;
}

/** A way to log in with this token. */
export function pasted(user: string, workspace: string, tokens?: Way["tokens"]): Way {
  const accessToken = madeUp(user, workspace);
  return {
    source: "pasted",
    tokens: tokens ?? (async () => ({ accessToken, chatgptAccountId: workspace })),
    tokenToStore: () => accessToken,
  };
}

/** What a fake server would store at a login of its own. */
export const homes = new Map<string, string>();

/** A client that accepts every token; `end` ends its server. */
export class FakeClient {
  readonly way: Way;
  readonly logins: string[] = [];
  readonly logouts: string[] = [];
  isClosed = false;
  limits: () => Promise<unknown> = async () => ({ rateLimits: { primary: { usedPercent: 12 } } });
  refuse: Error | undefined;
  end!: () => void;
  closed = new Promise<void>((resolve) => (this.end = resolve));
  #token: string | undefined;

  constructor(way: Way) {
    this.way = way;
    this.#token = way.home === undefined ? undefined : homes.get(way.home);
  }

  async login({ accessToken }: { accessToken: string }): Promise<void> {
    if (this.refuse !== undefined) throw this.refuse;
    this.logins.push(nameIn(accessToken));
    this.#token = accessToken;
  }
  async loginInBrowser(open: (url: string) => unknown): Promise<void> {
    this.#token = (await open("https://issuer.test/")) as string;
    homes.set(this.way.home!, this.#token);
  }
  async logout(): Promise<void> {
    if (this.#token !== undefined) this.logouts.push(nameIn(this.#token));
    if (this.way.home !== undefined) homes.delete(this.way.home);
    this.#token = undefined;
  }
  async readAccount(): Promise<unknown> {
    const email = this.#token && `${nameIn(this.#token)}@example.test`;
    return { account: email ? { type: "chatgpt", email, planType: "pro" } : null };
  }
  async request(): Promise<unknown> {
    return { authToken: this.#token ?? null };
  }
  readRateLimits(): Promise<unknown> {
    return this.limits();
  }
  async *events(): AsyncGenerator<never> {
    await this.closed;
  }
  async close(): Promise<void> {
    this.isClosed = true;
    this.end();
  }
}

/** The storage of one machine, and whether its windows see each other's secrets. */
export class Machine {
  readonly secrets = new Map<string, string>();
  #text: string | undefined;
  readonly #boards = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  readonly #now = { value: 1_000 };

  /** A window; in a browser it has a copy of the secrets of its own. */
  window(kind: "desktop" | "browser" = "desktop"): Accounts {
    const own = kind === "desktop" ? this.secrets : new Map(this.secrets);
    const changed = (): void => {
      if (kind === "desktop") for (const listener of this.#listeners) queueMicrotask(listener);
    };
    const secrets = {
      get: async (key: string) => own.get(key),
      store: async (key: string, value: string) => void (own.set(key, value), changed()),
      delete: async (key: string) => void (own.delete(key) && changed()),
      onDidChange: (listener: () => void) => {
        this.#listeners.add(listener);
        return { dispose: () => this.#listeners.delete(listener) };
      },
    };
    const board: Board = {
      read: async () => this.#text,
      write: async (text) => {
        this.#text = text;
        for (const listener of this.#boards) queueMicrotask(listener);
      },
      onChange: (listener) => {
        this.#boards.add(listener);
        return { dispose: () => this.#boards.delete(listener) };
      },
    };
    return new Accounts(secrets as never, board, () => this.#now.value);
  }

  /** All that is stored in the open, which must hold no token. */
  get open(): string {
    return this.#text ?? "";
  }
}

/** A session in a window of this machine, the clients that it spawned, and what it reported. */
export function opened(accounts = new Machine().window(), change: (client: FakeClient) => void = () => {}) {
  const clients: FakeClient[] = [];
  const states: State[] = [];
  const problems: Problem[] = [];
  const removed: string[] = [];
  const session = new Session({
    accounts,
    spawn: async (way) => {
      const client = new FakeClient(way);
      change(client);
      clients.push(client);
      return client as unknown as Client;
    },
    removeHome: async (home) => void removed.push(home),
    wayOf: async (account: StoredAccount): Promise<Way> => {
      if (account.source !== "pasted") return account;
      const accessToken = await accounts.token(account.key);
      if (accessToken === undefined) throw new Error("no token here");
      return { source: "pasted", tokens: async () => ({ accessToken, chatgptAccountId: account.workspace }), tokenToStore: () => accessToken };
    },
    onChange: (state) => states.push(state),
    onProblem: (problem) => problems.push(problem),
    pauses: [1],
  });
  return { session, accounts, clients, states, problems, removed, shown: () => shownOf(states.at(-1)) };
}

/** A promise and its ends. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

/** Waits until it holds, for at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("it did not come about in time");
    await new Promise((later) => setTimeout(later, 2));
  }
}

/** Lets everything that waits for nothing outside go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((later) => setImmediate(later));
}

function shownOf(state: State | undefined): string | null | undefined {
  return state?.kind === "signedIn" ? state.email : state?.kind;
}

function nameIn(token: unknown): string {
  const text = typeof token === "string" ? token : (token as { expose(): string }).expose();
  return JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()).email.split("@")[0];
}

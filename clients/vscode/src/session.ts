/**
 * The account of this window: which one is in force, and what may replace it.
 *
 * A sign-in runs on a server of its own and takes the place of the old one when it has succeeded.
 * The latest act of the user wins: what an earlier one still waits for is dropped.
 */

import type { Accounts, StoredAccount } from "./accounts.js";
import { CancelledError, problemOf, type Problem } from "./problems.js";
import { Running, type RunningOptions, type Shown, type Way } from "./running.js";

/** The visible state. */
export type State =
  /** The server is starting, or a login is in progress. */
  | { readonly kind: "starting" }
  | { readonly kind: "signedOut" }
  | ({ readonly kind: "signedIn" } & Shown)
  | ({ readonly kind: "failed" } & Problem);

/** The dependencies of a session. */
export interface Surroundings extends RunningOptions {
  readonly accounts: Accounts;
  readonly wayOf: (account: StoredAccount) => Promise<Way>;
  readonly onChange: (state: State) => void;
  /** A failure that leaves the state as it was. */
  readonly onProblem: (problem: Problem) => void;
}

/** A login in progress. */
interface Attempt {
  readonly abort: AbortController;
  /** The stored account that is followed; none for a new one of the user. */
  readonly follows: string | undefined;
}

/** The session. Its methods do not throw: a failure is a state. */
export class Session {
  readonly #around: Surroundings;
  #running: Running | undefined;
  #account: StoredAccount | undefined;
  #attempt: Attempt | undefined;
  /** Writes of this window in progress: what they change is not to be followed. */
  #writes = 0;
  #isStale = false;
  #state: State = { kind: "starting" };
  #isOver = false;

  constructor(around: Surroundings) {
    this.#around = around;
    around.accounts.onChange(() => void this.reconcile());
  }

  /** The account in force. */
  get account(): StoredAccount | undefined {
    return this.#account;
  }

  /** What is shown. */
  get state(): State {
    return this.#state;
  }

  /** The access token in force, to be shared. A secret: never log it. */
  async token(): Promise<string | undefined> {
    return await this.#running?.token();
  }

  /** Logs in anew, and stores the account if that succeeds. Otherwise the old one stays. */
  async signIn(way: Way): Promise<boolean> {
    return await this.#login(async () => way, undefined, (next) => this.#store(next));
  }

  /** Logs in with a stored account, and makes it that of all windows if that succeeds. */
  async switchTo(account: StoredAccount): Promise<boolean> {
    const isInForce = this.#running !== undefined && this.#account?.key === account.key;
    if (isInForce && this.#state.kind !== "failed") return true;
    const known = account.source === "server" ? account : undefined;
    return await this.#login(() => this.#around.wayOf(account), undefined, (next) => this.#store(next, known));
  }

  /** Logs out in all windows. The server has dropped the account when this returns. */
  async signOut(): Promise<void> {
    this.#abort();
    const old = this.#take();
    try {
      // Stored before it is displayed: a window that is closed right after must not log in again.
      const gone = await this.#writing(() => this.#around.accounts.signOut());
      this.#show({ kind: "signedOut" });
      if (old !== undefined) await old.discard();
      else if (gone?.home !== undefined) await this.discard(await this.#around.wayOf(gone));
    } catch (error) {
      this.#show({ kind: "signedOut" });
      this.#around.onProblem(problemOf(error));
    }
  }

  /** Replaces the running server, or tries again what failed. */
  async restart(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return await this.resume();
    this.#show({ kind: "starting" });
    try {
      await running.restart();
      await running.readLimits();
      await this.#orFail(running, async () => {});
    } catch (error) {
      if (this.#running === running) this.#fail(running.causeOf(error));
    }
  }

  /** Logs in with the stored account; without one, starts a server to see that it can. */
  async resume(): Promise<void> {
    const account = await this.#around.accounts.current();
    if (account !== undefined) {
      await this.#follow(account);
      return;
    }
    const attempt = this.#overtake({ abort: new AbortController(), follows: undefined });
    const probe = this.#run({ source: "server" });
    try {
      await probe.restart();
      if (this.#attempt === attempt) this.#show({ kind: "signedOut" });
    } catch (error) {
      if (this.#attempt === attempt) this.#show({ kind: "failed", ...problemOf(error) });
    } finally {
      await probe.close();
      await this.#finish(attempt);
    }
  }

  /** Reads the limits from the backend and shows them. */
  async readLimits(): Promise<void> {
    const running = this.#running;
    if (running !== undefined) await this.#orFail(running, () => running.readLimits());
  }

  /** Takes a login of the server back that is not in force. */
  async discard(way: Way): Promise<void> {
    const old = this.#run(way);
    try {
      await old.restart();
      await old.discard();
    } catch (error) {
      await old.close();
      this.#around.onProblem(problemOf(error));
    }
  }

  /** Follows what another window has done. */
  async reconcile(): Promise<void> {
    if (this.#writes > 0 || this.#isOver) {
      this.#isStale = true;
      return;
    }
    const wanted = await this.#around.accounts.current();
    if (this.#writes > 0 || this.#isOver) {
      this.#isStale = true;
      return;
    }
    const isInForce = this.#running !== undefined && wanted?.key === this.#account?.key;
    if (isInForce) return;
    if (this.#attempt !== undefined && this.#attempt.follows === undefined) {
      // The user is about to sign in here. The old account goes, and the rest is for later.
      await this.#drop({ kind: "starting" });
      this.#isStale = true;
    } else if (wanted === undefined) {
      this.#abort();
      await this.#drop({ kind: "signedOut" });
    } else if (this.#attempt?.follows !== wanted.key) {
      await this.#follow(wanted);
    }
  }

  dispose(): void {
    this.#isOver = true;
    this.#abort();
    void this.#take()?.close();
  }

  /** Logs in with the account of all windows. The old one does not stay: it is not theirs. */
  async #follow(account: StoredAccount): Promise<void> {
    if (this.#account?.key !== account.key) await this.#drop({ kind: "starting" });
    await this.#login(() => this.#around.wayOf(account), account.key, async (next) => {
      // A stored login has the owner that it had. A token command may have another one by now.
      const { key } = await next.identity();
      const isSame = account.source === "server" || key === account.key;
      return isSame ? account : await this.#store(next);
    });
  }

  /** Runs a login on a server of its own. `commit` returns the account, if it was not overtaken. */
  async #login(
    wayOf: () => Promise<Way>,
    follows: string | undefined,
    commit: (next: Running) => Promise<StoredAccount | undefined>,
  ): Promise<boolean> {
    const attempt = this.#overtake({ abort: new AbortController(), follows });
    if (this.#running === undefined) this.#show({ kind: "starting" });
    let next: Running | undefined;
    try {
      // The user may be asked for a consent here.
      const way = await wayOf();
      if (this.#attempt !== attempt) return false;
      next = this.#run(way);
      await next.start(attempt.abort.signal);
      const account = this.#attempt === attempt ? await commit(next) : undefined;
      if (account === undefined || this.#attempt !== attempt) return false;
      const old = this.#take();
      [this.#running, this.#account] = [next, account];
      way.onKnown?.(account.key);
      void old?.close();
      await this.#orFail(next, async () => {});
      return true;
    } catch (error) {
      if (this.#attempt === attempt) this.#fail(next === undefined ? error : next.causeOf(error));
      return false;
    } finally {
      if (next !== undefined && this.#running !== next) await this.#giveUp(next);
      await this.#finish(attempt);
    }
  }

  /** Stores the account of a login that succeeded; `undefined` if it was overtaken. */
  async #store(next: Running, known?: StoredAccount): Promise<StoredAccount | undefined> {
    const attempt = this.#attempt;
    const { source, home, store, tokenToStore } = next.way;
    const identity = await next.identity();
    const account: StoredAccount = known ?? { ...identity, source, ...(home && { home }), ...(store && { store }) };
    const { isUsed, replaced } = await this.#writing(() =>
      this.#around.accounts.use(account, tokenToStore?.(), () => this.#attempt !== attempt),
    );
    if (!isUsed) return undefined;
    next.isStored = true;
    if (replaced?.home !== undefined && replaced.home !== home) void this.#around.wayOf(replaced).then((old) => this.discard(old));
    return account;
  }

  /** A new login of the server that is not used is taken back; a stored one only ends. */
  async #giveUp(next: Running): Promise<void> {
    const isNew = next.way.interact !== undefined && !next.isStored;
    await (isNew ? next.discard() : next.close()).catch(() => {});
  }

  #run(way: Way): Running {
    const running: Running = new Running(way, this.#around, {
      onEnd: (error) => {
        if (this.#running !== running) return;
        if (error === undefined) this.#show({ kind: "starting" });
        else this.#show({ kind: "failed", ...problemOf(error) });
      },
      onBack: (error) => {
        if (this.#running !== running) return;
        void this.#orFail(running, () => (error === undefined ? running.readLimits() : Promise.reject(error)));
      },
      onChange: () => void this.#orFail(running, async () => {}),
    });
    return running;
  }

  /** Ends the attempt in progress; the new one takes its place. */
  #overtake(next: Attempt): Attempt {
    this.#attempt?.abort.abort();
    this.#attempt = next;
    return next;
  }

  /** Ends the attempt in progress. */
  #abort(): void {
    this.#attempt?.abort.abort();
    this.#attempt = undefined;
  }

  async #finish(attempt: Attempt): Promise<void> {
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    if (this.#isStale) await this.#catchUp();
  }

  async #writing<T>(work: () => Promise<T>): Promise<T> {
    this.#writes += 1;
    try {
      return await work();
    } finally {
      this.#writes -= 1;
      if (this.#writes === 0 && this.#isStale && this.#attempt === undefined) void this.#catchUp();
    }
  }

  async #catchUp(): Promise<void> {
    this.#isStale = false;
    await this.reconcile();
  }

  #take(): Running | undefined {
    const old = this.#running;
    this.#running = undefined;
    this.#account = undefined;
    return old;
  }

  /** Ends the account of this window because another window did. */
  async #drop(state: State): Promise<void> {
    const account = this.#account;
    const old = this.#take();
    this.#show(state);
    await old?.close();
    if (account !== undefined) await this.#around.accounts.forgetToken(account.key);
  }

  /** A failed sign-in leaves the old account in force, and is reported beside it. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    if (error instanceof CancelledError) {
      if (this.#running === undefined) this.#show({ kind: "signedOut" });
      return;
    }
    if (this.#state.kind === "signedIn") this.#around.onProblem(problemOf(error));
    else this.#show({ kind: "failed", ...problemOf(error) });
  }

  /** Shows the account after `work`. The end of its server is not a failure: it restarts. */
  async #orFail(running: Running, work: () => Promise<void>): Promise<void> {
    if (this.#running !== running) return;
    const { client } = running;
    try {
      await work();
      const shown = await running.read();
      if (this.#running !== running || shown === undefined) return;
      this.#show({ kind: "signedIn", ...shown });
    } catch (error) {
      const isGone = client !== undefined && running.client !== client;
      if (this.#running !== running || isGone) return;
      this.#show({ kind: "failed", ...problemOf(running.causeOf(error)) });
    }
  }

  #show(state: State): void {
    this.#state = state;
    if (!this.#isOver) this.#around.onChange(state);
  }
}

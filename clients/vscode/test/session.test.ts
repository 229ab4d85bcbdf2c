/** The session, with a fake client and user. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionClosedError,
  LoginError,
  RefreshFailedError,
  ServerNotFoundError,
  StartTimeoutError,
  type TokenProvider,
} from "@byokey/client";

import { problemOf } from "../src/problems.js";
import { Session, type Client, type State } from "../src/session.js";

const ADA = { label: "ada", source: "command" } as const;

/** A client that accepts every token; `end` ends its server. */
class FakeClient {
  logins: string[] = [];
  isClosed = false;
  limits: () => Promise<unknown> = async () => ({ rateLimits: { primary: { usedPercent: 12 } } });
  end!: () => void;
  closed = new Promise<void>((resolve) => (this.end = resolve));
  #email: string | null = null;

  async login({ accessToken }: { accessToken: string }) {
    this.logins.push(accessToken);
    this.#email = `${accessToken}@example.test`;
  }
  async logout() {
    this.#email = null;
  }
  async readAccount() {
    return { account: this.#email && { type: "chatgpt", email: this.#email, planType: "pro" } };
  }
  readRateLimits() {
    return this.limits();
  }
  async *events() {
    await this.closed;
  }
  async close() {
    this.isClosed = true;
    this.end();
  }
}

/** A session, the clients that it spawned, and the states that it reported. */
function made(tokens: TokenProvider = async () => ({ accessToken: "ada", chatgptAccountId: "ws" })) {
  const clients: FakeClient[] = [];
  const states: State[] = [];
  const refresh: TokenProvider[] = [];
  const session = new Session({
    spawn: async (refreshTokens) => {
      refresh.push(refreshTokens);
      const client = new FakeClient();
      clients.push(client);
      return client as unknown as Client;
    },
    tokensOf: () => tokens,
    onChange: (state) => states.push(state),
    pauses: [1],
  });
  return { session, clients, states, refresh };
}

const last = (states: State[]) => states.at(-1);
const settled = () => new Promise((later) => setTimeout(later, 30));
const until = async (holds: () => boolean) => {
  const end = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < end, "it did not come about in time");
    await settled();
  }
};

test("signing in shows the account, then its limits", async () => {
  const { session, states } = made();
  await session.signIn(ADA);
  const shown = last(states);
  assert.equal(shown?.kind, "signedIn");
  assert.equal(shown?.kind === "signedIn" && shown.email, "ada@example.test");
  assert.equal(shown?.kind === "signedIn" && shown.limits?.primary?.usedPercent, 12);
});

test("a server that ends is started again and signed in again", async () => {
  const { session, clients, states } = made();
  await session.signIn(ADA);
  const before = states.length;
  clients[0]?.end();
  await until(() => states.length > before && last(states)?.kind === "signedIn");
  assert.deepEqual(clients.map((client) => client.logins), [["ada"], ["ada"]]);
  assert.ok(states.some(({ kind }) => kind === "starting"));
  assert.equal(last(states)?.kind, "signedIn");
});

test("after a sign-out a new server stays signed out", async () => {
  const { session, clients, states } = made();
  await session.signIn(ADA);
  await session.signOut();
  clients[0]?.end();
  await until(() => clients.length === 2 && last(states)?.kind !== "starting");
  assert.deepEqual(clients[1]?.logins, []);
  assert.equal(last(states)?.kind, "signedOut");
});

test("a sign-out while tokens are being fetched wins, and so does a switch", async () => {
  const gives: ((accessToken: string) => void)[] = [];
  const { session, clients, states } = made(
    () => new Promise((resolve) => gives.push((accessToken) => resolve({ accessToken, chatgptAccountId: "ws" }))),
  );
  const first = session.signIn(ADA);
  await until(() => gives.length === 1);
  await session.signOut();
  gives[0]!("ada");
  await first;
  assert.deepEqual(clients[0]?.logins, []);
  assert.equal(last(states)?.kind, "signedOut");

  const ada = session.signIn(ADA);
  await until(() => gives.length === 2);
  const bob = session.signIn({ ...ADA, label: "bob" });
  await until(() => gives.length === 3);
  gives[2]!("bob");
  gives[1]!("ada");
  await Promise.all([ada, bob]);
  assert.deepEqual(clients[0]?.logins, ["bob"]);
});

test("a program that is gone is a failure that says so, until it is back", async () => {
  const { session, clients, states } = made();
  await session.signIn(ADA);
  states.length = 0;
  clients[0]?.end();
  await until(() => clients.length === 2 && last(states)?.kind === "signedIn");
  assert.equal(states[0]?.kind, "starting");
});

test("a start that is overtaken by another ends its server", async () => {
  const { session, clients } = made();
  await Promise.all([session.start(), session.start()]);
  assert.equal(clients.filter((client) => !client.isClosed).length, 1);
});

test("limits that are not to be had leave the account shown", async () => {
  const { session, clients, states } = made();
  await session.signIn(ADA);
  clients[0]!.limits = () => Promise.reject(new Error("made up"));
  await session.readLimits();
  assert.deepEqual(last(states), { kind: "signedIn", email: "ada@example.test", plan: "pro", limits: undefined });
});

test("tokens that cannot be renewed are a failure that says so", async () => {
  const { session, clients, states } = made();
  await session.signIn(ADA);
  const refused = Object.create(RefreshFailedError.prototype, { message: { value: "sign in again" } });
  clients[0]!.limits = () => Promise.reject(refused);
  await session.readLimits();
  assert.deepEqual(last(states), { kind: "failed", problem: "sign in again", remedy: "signIn" });
});

test("a provider that fails at sign-in is a failure that says so", async () => {
  const { session, states } = made(() => Promise.reject(new Error("no tokens today")));
  await session.signIn(ADA);
  assert.deepEqual(last(states), { kind: "failed", problem: "no tokens today", remedy: "signIn" });
});

test("tokens that the user did not renew are a failure that says why", async () => {
  let isRefused = false;
  const { session, clients, states, refresh } = made(async () => {
    if (isRefused) throw new Error("no new token was pasted");
    return { accessToken: "ada", chatgptAccountId: "ws" };
  });
  await session.signIn(ADA);
  isRefused = true;
  clients[0]!.limits = async () => {
    const question = { reason: "unauthorized", previousAccountId: null } as const;
    const { signal } = new AbortController();
    await assert.rejects(async () => refresh[0]!(question, { signal }));
    throw Object.create(RefreshFailedError.prototype, { message: { value: "hostRefused" } });
  };
  await session.readLimits();
  assert.deepEqual(last(states), { kind: "failed", problem: "no new token was pasted", remedy: "signIn" });
});

test("a failure says what can be done about it", () => {
  assert.equal(problemOf(new ServerNotFoundError([], "is made up")).remedy, "chooseProgram");
  assert.equal(problemOf(new StartTimeoutError(1)).remedy, "chooseProgram");
  assert.equal(problemOf(new ConnectionClosedError(undefined, false)).remedy, "restart");
  const refusal = { method: "account/login/start", code: -32603, kind: "invalidToken" };
  assert.match(problemOf(new LoginError(refusal)).problem, /^The token cannot be used/);
  assert.match(problemOf(new LoginError({ ...refusal, kind: "constructor" })).problem, /account\/login\/start/);
  assert.deepEqual(problemOf("made up"), { problem: "something went wrong", remedy: "signIn" });
});

test("a session that is disposed of starts nothing any more", async () => {
  const { session, clients } = made();
  await session.signIn(ADA);
  session.dispose();
  await settled();
  assert.equal(clients.length, 1);
});

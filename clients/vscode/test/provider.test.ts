/** Sharing with other extensions: off by default, and never without a consent. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { StoredAccount } from "../src/accounts.js";
import { Provider } from "../src/provider.js";

const ADA: StoredAccount = { key: "ada", label: "ada@example.test", workspace: "ws", source: "command" };
const BOB: StoredAccount = { ...ADA, key: "bob", label: "bob@example.test" };

function made(change: { isShared?: boolean; mayShare?: boolean; token?: () => Promise<string> } = {}) {
  const state = { account: ADA as StoredAccount | undefined, isShared: true, mayShare: true, consents: [] as string[], refusals: 0, suffix: "", ...change };
  const provider = new Provider({
    account: () => state.account,
    nameOf: ({ label }) => label + state.suffix,
    token: change.token ?? (async () => "made-up-token"),
    signIn: async () => (state.account = ADA),
    signOut: async () => void (state.account = undefined),
    isShared: () => state.isShared,
    mayShare: async (label) => (state.consents.push(label), state.mayShare),
    onRefused: () => (state.refusals += 1),
  });
  return { provider, state };
}

test("the Accounts menu gets the name, and no token", async () => {
  const { provider } = made();
  const [shown] = await provider.getSessions();
  assert.deepEqual([shown?.account.label, shown?.accessToken], ["ada@example.test", ""]);
});

test("while sharing is off another extension gets no session, and the user learns why", async () => {
  const { provider, state } = made({ isShared: false });
  assert.deepEqual(await provider.getSessions(["chatgpt"]), []);
  await assert.rejects(provider.createSession(["chatgpt"]), /byokey\.shareSessions is off/);
  assert.deepEqual([state.refusals, state.consents], [1, []]);
});

test("another extension gets the token after a consent, and none before or without it", async () => {
  const { provider, state } = made();
  assert.deepEqual(await provider.getSessions(["chatgpt"]), []);
  assert.equal((await provider.createSession(["chatgpt"])).accessToken, "made-up-token");
  assert.equal((await provider.getSessions(["chatgpt"]))[0]?.accessToken, "made-up-token");
  assert.deepEqual(state.consents, ["ada@example.test"]);
  const refusing = made({ mayShare: false });
  await assert.rejects(refusing.provider.createSession([]), /does not share/);
  assert.deepEqual(await refusing.provider.getSessions([]), []);
});

test("a consent ends with the setting, and with the account", async () => {
  const { provider, state } = made();
  provider.update();
  await provider.createSession([]);
  state.isShared = false;
  assert.deepEqual(await provider.getSessions([]), []);
  state.isShared = true;
  assert.deepEqual(await provider.getSessions([]), [], "turning it on again does not restore the consent");
  await provider.createSession([]);
  state.account = BOB;
  provider.update();
  assert.deepEqual(await provider.getSessions([]), []);
  state.account = ADA;
  provider.update();
  assert.deepEqual(await provider.getSessions([]), []);
});

test("a token that was read while the account changed is not shared", async () => {
  const { provider, state } = made({
    token: async () => {
      state.account = BOB;
      return "made-up-token";
    },
  });
  await assert.rejects(provider.createSession([]), /the account has changed/);
});

test("changes of the account are reported once", () => {
  const { provider, state } = made();
  const changes: string[] = [];
  provider.onDidChangeSessions(({ added, removed }) => {
    changes.push(`+${added!.map(({ id }) => id)} -${removed!.map(({ id }) => id)}`);
  });
  for (const account of [ADA, ADA, BOB, undefined]) {
    state.account = account;
    provider.update();
  }
  assert.deepEqual(changes, ["+ada -", "+bob -ada", "+ -bob"]);
});

test("a name that gets its workspace, because of another account, replaces the old one", async () => {
  const { provider, state } = made();
  const changes: string[] = [];
  provider.update();
  provider.onDidChangeSessions(({ added, removed }) => {
    changes.push(`+${added!.map(({ account }) => account.label)} -${removed!.map(({ account }) => account.label)}`);
  });
  state.suffix = " (ws)";
  provider.update();
  assert.deepEqual(changes, ["+ada@example.test (ws) -ada@example.test"]);
  assert.equal((await provider.getSessions())[0]?.account.label, "ada@example.test (ws)");
  await provider.createSession([]);
  assert.deepEqual(state.consents, ["ada@example.test (ws)"]);
});

test("Sign Out in the Accounts menu signs out that account alone", async () => {
  const { provider, state } = made();
  await provider.removeSession("bob");
  assert.equal(state.account, ADA);
  await provider.removeSession("ada");
  assert.equal(state.account, undefined);
});

/** Pasted tokens: renewed by the user, in one of the windows. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PastedTokens } from "../src/pasted.js";
import { deferred, madeUp, settled } from "./support/fakes.js";

const REFUSED = { reason: "unauthorized", previousAccountId: null } as const;
const KEY = "ada-in-ws";

function made(answer: string | Promise<string>, stored = madeUp("ada", "ws")) {
  const storage = { token: stored, renewed: [] as string[], change: () => {}, isAskedStill: false };
  const accounts = {
    token: async () => storage.token,
    renew: async (_: string, token: string) => void storage.renewed.push((storage.token = token)),
    onChange: (listener: () => void) => {
      storage.change = listener;
      return () => true;
    },
  };
  const asking = deferred<void>();
  const ask = async (signal: AbortSignal) => {
    storage.isAskedStill = true;
    signal.addEventListener("abort", () => (storage.isAskedStill = false));
    asking.resolve();
    return await answer;
  };
  const tokens = new PastedTokens({ accessToken: madeUp("ada", "ws"), workspace: "ws", key: KEY }, accounts, ask);
  const over = new AbortController();
  const refresh = async () => await tokens.provider(REFUSED, { signal: over.signal });
  return { storage, tokens, refresh, over, asking: asking.promise };
}

test("after a refusal the user is asked, and the new token is stored", async () => {
  const renewed = madeUp("ada", "ws", "renewed");
  const { refresh, storage } = made(renewed);
  assert.equal((await refresh()).accessToken, renewed);
  assert.deepEqual(storage.renewed, [renewed]);
});

test("a token of another person or workspace is not taken for the account", async () => {
  for (const other of [madeUp("bob", "ws"), madeUp("ada", "other")]) {
    const { refresh, storage, tokens } = made(other);
    await assert.rejects(refresh(), /of another account/);
    assert.deepEqual([storage.renewed, tokens.token], [[], madeUp("ada", "ws")]);
  }
});

test("a token that another window has stored is taken without a question", async () => {
  const renewed = madeUp("ada", "ws", "renewed");
  const { refresh, storage } = made("a question", renewed);
  assert.equal((await refresh()).accessToken, renewed);
  assert.deepEqual(storage.renewed, []);
});

test("a token that another window stores meanwhile ends the question", async () => {
  const { refresh, storage, asking } = made(new Promise(() => {}));
  const given = refresh();
  await asking;
  storage.token = madeUp("ada", "ws", "renewed");
  storage.change();
  assert.equal((await given).accessToken, storage.token);
  assert.equal(storage.isAskedStill, false);
});

test("a token that is pasted after a sign-out is not stored", async () => {
  const typed = deferred<string>();
  const { refresh, storage, over, asking } = made(typed.promise);
  const given = refresh();
  await asking;
  over.abort();
  assert.equal(storage.isAskedStill, false);
  typed.resolve(madeUp("ada", "ws", "renewed"));
  await assert.rejects(given);
  await settled();
  assert.deepEqual(storage.renewed, []);
});

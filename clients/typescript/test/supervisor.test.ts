// A supervised server.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ByokeyError,
  ServerNotFoundError,
  Supervisor,
  type Event,
  type ServerEnd,
  type SupervisorOptions,
  type Tokens,
} from "@byokey/client";

import { fake, type FakeOptions } from "./support/fake.js";
import { isRunning, until, within } from "./support/wait.js";

const TOKENS: Tokens = { accessToken: "made up", chatgptAccountId: "ws-ada" };
/** A server that accepts any login, announces it, and exits on request. */
const SERVER = `
  let email = null;
  handlers["account/login/start"] = ({ id, params }) => {
    email = params.accessToken;
    send({ id, result: { type: params.type } });
    send({ method: "account/updated", params: { authMode: "chatgptAuthTokens", planType: "pro" } });
  };
  handlers["account/logout"] = ({ id }) => { email = null; send({ id, result: {} }); };
  handlers["account/read"] = ({ id }) => send({ id, result: { account: email && { type: "chatgpt", email, planType: "pro" } } });
  handlers.die = () => process.exit(3);
`;

function supervised(options: FakeOptions, more: Partial<SupervisorOptions> = {}): SupervisorOptions {
  return { ...fake(SERVER, options), pausesMs: [1, 20], ...more } as SupervisorOptions;
}

async function withSupervisor(options: SupervisorOptions, act: (it: Supervisor) => Promise<void>): Promise<void> {
  const supervisor = await within(Supervisor.start(options), "the start");
  try {
    await within(act(supervisor), "the end of the test");
  } finally {
    const pid = supervisor.client?.pid;
    await within(supervisor.close(), "the end");
    assert.ok(pid === undefined || !isRunning(pid));
  }
}

test("a server that ends is started again, signed in again, and heard by the same listeners", async () => {
  const asked: unknown[] = [];
  const restarts: unknown[] = [];
  const ends: ServerEnd[] = [];
  const options = supervised(
    { refreshTokens: (request) => (asked.push(request), TOKENS) },
    {
      onRestart: ({ client, restarts: count, signInError }) => restarts.push([client.pid, count, signInError]),
      onClose: (end) => void ends.push(end),
    },
  );
  await withSupervisor(options, async (supervisor) => {
    const heard: unknown[] = [];
    const stream: Event[] = [];
    supervisor.on("account/updated", ({ planType }) => heard.push(planType));
    void (async () => {
      for await (const event of supervisor.events()) stream.push(event);
    })();
    await until(() => heard.length === 1, "the first login");
    const first = supervisor.client?.pid;
    for (const count of [1, 2]) {
      (await supervisor.ready()).request("die").catch(() => {});
      await until(() => restarts.length === count, "the restart");
    }
    await until(() => heard.length === 3 && stream.length === 3, "the logins");
    const second = supervisor.client?.pid;
    assert.notEqual(first, second);
    assert.deepEqual(restarts[1], [second, 2, undefined]);
    assert.deepEqual(asked, [
      { reason: "login", previousAccountId: null },
      { reason: "login", previousAccountId: "ws-ada" },
      { reason: "login", previousAccountId: "ws-ada" },
    ]);
    assert.deepEqual(ends.map(({ exit, pauseMs, endsInARow }) => [exit?.code, pauseMs, endsInARow]), [[3, 1, 1], [3, 20, 2]]);
  });
});

test("the account is kept current over restarts, and a sign-out lasts", async () => {
  let count = 0;
  const options = supervised({ refreshTokens: () => ({ ...TOKENS, accessToken: `number ${++count}` }) });
  await withSupervisor(options, async (supervisor) => {
    const seen: unknown[] = [];
    supervisor.account.onChange((account) => seen.push(account !== null && "email" in account && account.email));
    await until(() => seen.at(-1) === "number 1", "the account");
    (await supervisor.ready()).request("die").catch(() => {});
    await until(() => seen.at(-1) === "number 2", "the account after a restart");
    await supervisor.signOut();
    (await supervisor.ready()).request("die").catch(() => {});
    await until(() => seen.at(-1) === false, "the sign-out");
    await supervisor.ready();
    assert.equal(count, 2);
    await supervisor.signIn();
    await until(() => seen.at(-1) === "number 3", "the sign-in");
  });
});

test("a sign-out wins over tokens that come later", async () => {
  let give: (tokens: Tokens) => void = () => {};
  const options = supervised(
    { refreshTokens: () => new Promise((resolve) => (give = resolve)) },
    { signIn: false },
  );
  await withSupervisor(options, async (supervisor) => {
    const signedIn = supervisor.signIn();
    await supervisor.ready();
    await supervisor.signOut();
    give(TOKENS);
    await signedIn;
    assert.equal((await supervisor.client?.readAccount())?.account, null);
  });
});

test("onClose decides whether there is another start", async () => {
  const options = supervised({ refreshTokens: () => TOKENS }, { onClose: () => "doNotRestart" });
  await withSupervisor(options, async (supervisor) => {
    supervisor.client?.request("die").catch(() => {});
    await supervisor.closed;
    assert.equal(supervisor.client, undefined);
    await assert.rejects(supervisor.ready(), ByokeyError);
  });
});

test("a provider that fails at a restart leaves the server running, and onRestart says so", async () => {
  let isGone = false;
  const failures: unknown[] = [];
  const problem = new Error("the helper is gone");
  const options = supervised(
    { refreshTokens: () => (isGone ? Promise.reject(problem) : TOKENS) },
    { onRestart: ({ signInError }) => failures.push(signInError) },
  );
  await withSupervisor(options, async (supervisor) => {
    isGone = true;
    supervisor.client?.request("die").catch(() => {});
    await until(() => failures.length === 1, "the restart");
    assert.equal(failures[0], problem);
    assert.equal((await supervisor.client?.readAccount())?.account, null);
    await assert.rejects(supervisor.signIn(), problem);
  });
});

test("a program that is gone is looked for again, with growing pauses up to the ceiling", async () => {
  const ends: ServerEnd[] = [];
  let isGone = false;
  const clients: { end: () => void }[] = [];
  const supervisor = new Supervisor(
    async () => {
      if (isGone) throw new ServerNotFoundError([], "was not found");
      let end = (): void => {};
      const closed = new Promise<{ code: number; signal: null }>((resolve) => (end = () => resolve({ code: 1, signal: null })));
      clients.push({ end: () => end() });
      const events = (): AsyncIterableIterator<Event> => (async function* () {})();
      return { closed, events, close: async () => end() } as never;
    },
    undefined,
    {
      pausesMs: [1, 2, 3],
      onClose: (end) => {
        ends.push(end);
        if (ends.length === 5) isGone = false;
      },
    },
  );
  await supervisor.restart();
  isGone = true;
  clients[0]?.end();
  await until(() => clients.length === 2, "the restart");
  assert.deepEqual(ends.map(({ pauseMs }) => pauseMs), [1, 2, 3, 3, 3]);
  assert.ok(ends[1]?.error instanceof ServerNotFoundError);
  await supervisor.close();
});

test("closing ends a pause, and starts that come later end their server", async () => {
  const options = supervised({ refreshTokens: () => TOKENS }, { pausesMs: [60_000] });
  const supervisor = await Supervisor.start(options);
  supervisor.client?.request("die").catch(() => {});
  await until(() => supervisor.client === undefined, "the end");
  const ready = supervisor.ready();
  ready.catch(() => {});
  await within(supervisor.close(), "the end");
  await assert.rejects(ready, ByokeyError);
  await supervisor.close();
});

test("a first start that fails is the host's to handle", async () => {
  const failed = Supervisor.start(supervised({ refreshTokens: () => TOKENS, command: "/nowhere/byokey" }));
  await assert.rejects(within(failed, "the end"), ServerNotFoundError);
  const refused = Supervisor.start(supervised({ refreshTokens: () => Promise.reject(new Error("no tokens")) }));
  await assert.rejects(within(refused, "the end"), /no tokens/);
});

test("a bearer login without a provider of bearer tokens is refused", async () => {
  const options = supervised({}, { bearerLogin: { origin: "https://api.example" } });
  await assert.rejects(Supervisor.start(options), { name: "TypeError", message: /`refreshBearerToken`/ });
});

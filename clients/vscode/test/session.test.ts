/** The session of one window, with a fake client and user. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LoginError, RefreshFailedError } from "@byokey/client";

import { deferred, homes, madeUp, opened, pasted, settled, until, type FakeClient } from "./support/fakes.js";

const refused = (kind: string) => new LoginError({ method: "account/login/start", code: -32603, kind });

test("signing in shows the account and its limits, and stores it under person and workspace", async () => {
  const { session, states, accounts } = opened();
  assert.equal(await session.signIn(pasted("ada", "ws")), true);
  const shown = states.at(-1);
  assert.ok(shown?.kind === "signedIn" && shown.email === "ada@example.test" && shown.limits?.primary?.usedPercent === 12);
  const account = await accounts.current();
  assert.deepEqual([account?.label, account?.workspace], ["ada@example.test", "ws"]);
  assert.equal(await accounts.token(account!.key), madeUp("ada", "ws"));
});

test("two people in one workspace are two accounts, and one person in two workspaces too", async () => {
  const { session, accounts } = opened();
  for (const [user, workspace] of [["ada", "ws"], ["bob", "ws"], ["ada", "other"], ["ada", "ws"]] as const) {
    await session.signIn(pasted(user, workspace));
  }
  const listed = (await accounts.list()).map(({ label, workspace }) => `${label} ${workspace}`);
  assert.deepEqual(listed, ["ada@example.test ws", "ada@example.test other", "bob@example.test ws"]);
  const names = (await accounts.list()).map((account) => accounts.nameOf(account));
  assert.deepEqual(names, ["ada@example.test (ws)", "ada@example.test (other)", "bob@example.test"]);
});

test("an account whose sign-in fails is not stored, and the old one stays", async () => {
  let isRefused = false;
  const { session, accounts, clients, problems, shown } = opened(undefined, (client) => {
    if (isRefused) client.refuse = refused("invalidToken");
  });
  await session.signIn(pasted("ada", "ws"));
  isRefused = true;
  assert.equal(await session.signIn(pasted("bob", "ws")), false);
  assert.equal(shown(), "ada@example.test");
  assert.match(problems[0]!.problem, /^The token cannot be used/);
  assert.deepEqual((await accounts.list()).map(({ label }) => label), ["ada@example.test"]);
  assert.deepEqual(clients.map(({ isClosed }) => isClosed), [false, true]);
});

test("a token that the backend refuses for good is not stored either", async () => {
  const failure = Object.create(RefreshFailedError.prototype, { message: { value: "refused" } });
  const { session, accounts, states } = opened(undefined, (client) => (client.limits = () => Promise.reject(failure)));
  await session.signIn(pasted("ada", "ws"));
  assert.deepEqual(states.at(-1), { kind: "failed", problem: "refused", remedy: "signIn" });
  assert.equal(await accounts.current(), undefined);
});

test("a sign-out while tokens are fetched wins: no server gets them", async () => {
  const { session, accounts, clients, shown } = opened();
  const given = deferred<{ accessToken: string; chatgptAccountId: string }>();
  const login = session.signIn(pasted("ada", "ws", () => given.promise));
  await until(() => clients.length === 1);
  await session.signOut();
  given.resolve({ accessToken: madeUp("ada", "ws"), chatgptAccountId: "ws" });
  assert.equal(await login, false);
  assert.deepEqual(clients.map(({ logins }) => logins), [[]]);
  assert.equal(shown(), "signedOut");
  assert.equal(await accounts.current(), undefined);
});

test("a sign-out just before the account is stored wins: it never is", async () => {
  const { session, accounts, shown } = opened();
  const use = accounts.use.bind(accounts);
  accounts.use = (...wanted) => {
    void session.signOut();
    return use(...wanted);
  };
  assert.equal(await session.signIn(pasted("ada", "ws")), false);
  await settled();
  assert.equal(shown(), "signedOut");
  assert.deepEqual([await accounts.list(), await accounts.current()], [[], undefined]);
});

test("a sign-out while the account is being stored wins", async () => {
  const { session, accounts, shown } = opened();
  const use = accounts.use.bind(accounts);
  accounts.use = async (...wanted) => {
    const used = await use(...wanted);
    void session.signOut();
    return used;
  };
  assert.equal(await session.signIn(pasted("ada", "ws")), false);
  await settled();
  assert.equal(shown(), "signedOut");
  assert.deepEqual([await accounts.list(), await accounts.current()], [[], undefined]);
});

test("a switch while tokens are fetched wins: no server meets two accounts", async () => {
  const { session, accounts, clients, shown } = opened();
  const given = deferred<{ accessToken: string; chatgptAccountId: string }>();
  const ada = session.signIn(pasted("ada", "ws", () => given.promise));
  await until(() => clients.length === 1);
  const bob = session.signIn(pasted("bob", "ws"));
  given.resolve({ accessToken: madeUp("ada", "ws"), chatgptAccountId: "ws" });
  assert.deepEqual(await Promise.all([ada, bob]), [false, true]);
  assert.deepEqual(clients.map(({ logins }) => logins), [[], ["bob"]]);
  assert.equal(shown(), "bob@example.test");
  assert.deepEqual((await accounts.list()).map(({ label }) => label), ["bob@example.test"]);
});

test("a switch while a refused token is renewed does not mix the accounts", async () => {
  const { session, clients, shown } = opened();
  const given = deferred<{ accessToken: string; chatgptAccountId: string }>();
  let asked = 0;
  const tokens = async () => (++asked === 1 ? { accessToken: madeUp("ada", "ws"), chatgptAccountId: "ws" } : given.promise);
  await session.signIn(pasted("ada", "ws", tokens));
  clients[0]!.end();
  await until(() => asked === 2);
  await session.signIn(pasted("bob", "ws"));
  given.resolve({ accessToken: madeUp("ada", "ws"), chatgptAccountId: "ws" });
  await settled();
  assert.equal(shown(), "bob@example.test");
  assert.deepEqual(clients.map(({ logins }) => logins), [["ada"], [], ["bob"]]);
});

test("a server that ends is started again and signed in again", async () => {
  const { session, clients, states, shown } = opened();
  await session.signIn(pasted("ada", "ws"));
  const before = states.length;
  clients[0]!.end();
  await until(() => states.length > before && shown() === "ada@example.test");
  assert.deepEqual(clients.map(({ logins }) => logins), [["ada"], ["ada"]]);
  assert.ok(states.slice(before).some(({ kind }) => kind === "starting"));
});

test("a login of the server is stored in a folder of its own, and a sign-out takes it back", async () => {
  const { session, accounts, clients, removed, shown } = opened();
  const browser = (home: string, user: string) => ({
    source: "server" as const,
    home,
    store: "file",
    interact: (client: unknown) => (client as FakeClient).loginInBrowser(() => madeUp(user, "ws")),
  });
  await session.signIn(browser("/one", "ada"));
  await session.signIn(browser("/two", "bob"));
  assert.deepEqual((await accounts.list()).map(({ home }) => home), ["/two", "/one"]);
  assert.deepEqual([...homes.keys()], ["/one", "/two"]);
  await session.switchTo((await accounts.list())[1]!);
  assert.equal(shown(), "ada@example.test");
  await session.signIn(browser("/three", "ada"));
  await until(() => removed.includes("/one"));
  await session.signOut();
  assert.deepEqual(clients.flatMap(({ logouts }) => logouts), ["ada", "ada"]);
  assert.deepEqual([[...homes.keys()], removed], [["/two"], ["/one", "/three"]]);
});

test("a login of the server that is cancelled leaves everything as it was", async () => {
  const { session, accounts, problems, removed, shown } = opened();
  await session.signIn(pasted("ada", "ws"));
  const { CancelledError } = await import("../src/problems.js");
  const interact = () => Promise.reject(new CancelledError());
  assert.equal(await session.signIn({ source: "server", home: "/gone", store: "file", interact }), false);
  assert.deepEqual([shown(), problems, removed], ["ada@example.test", [], ["/gone"]]);
  assert.equal((await accounts.list()).length, 1);
});

test("limits that are not to be had leave the account shown", async () => {
  const { session, clients, states } = opened();
  await session.signIn(pasted("ada", "ws"));
  clients[0]!.limits = () => Promise.reject(new Error("made up"));
  await session.readLimits();
  assert.deepEqual(states.at(-1), { kind: "signedIn", email: "ada@example.test", plan: "pro", limits: undefined });
});

test("without an account a start shows whether there is a program, and leaves no server", async () => {
  const { session, clients, shown } = opened();
  await session.resume();
  assert.deepEqual([shown(), clients.map(({ isClosed }) => isClosed)], ["signedOut", [true]]);
});

test("a session that is disposed of starts nothing any more", async () => {
  const { session, clients } = opened();
  await session.signIn(pasted("ada", "ws"));
  session.dispose();
  await until(() => clients[0]!.isClosed);
  await settled();
  assert.equal(clients.length, 1);
});

/** Several windows: each has a session of its own, and they agree on the account. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { deferred, Machine, madeUp, opened, pasted, settled, until } from "./support/fakes.js";

test("a sign-in, a switch and a sign-out reach all windows", async () => {
  const machine = new Machine();
  const [one, two] = [opened(machine.window()), opened(machine.window())];
  await one.session.signIn(pasted("ada", "ws"));
  await until(() => two.shown() === "ada@example.test");
  await two.session.signIn(pasted("bob", "ws"));
  await until(() => one.shown() === "bob@example.test");
  const [, ada] = await one.accounts.list();
  await one.session.switchTo(ada!);
  await until(() => two.shown() === "ada@example.test");
  await two.session.signOut();
  await until(() => one.shown() === "signedOut");
  assert.ok([...one.clients, ...two.clients].every(({ isClosed }) => isClosed));
  assert.deepEqual([...machine.secrets.keys()].filter((key) => key.includes("user-ada") || key.includes("ada@")), []);
});

test("in a browser, where windows do not see each other's secrets, a sign-out reaches all of them", async () => {
  const machine = new Machine();
  const one = opened(machine.window("browser"));
  await one.session.signIn({ ...pasted("ada", "ws"), source: "command", tokenToStore: () => undefined });
  const two = opened(machine.window("browser"));
  const three = opened(machine.window("browser"));
  await two.session.signIn(pasted("bob", "ws"));
  await until(() => three.states.at(-1)?.kind === "failed");
  await two.session.signOut();
  await until(() => one.shown() === "signedOut" && three.shown() === "signedOut");
});

test("what windows read in the open holds no token", async () => {
  const machine = new Machine();
  const { session } = opened(machine.window());
  await session.signIn(pasted("ada", "ws"));
  assert.match(machine.open, /ada@example\.test/);
  assert.ok(!machine.open.includes(madeUp("ada", "ws").slice(-12)));
});

test("a sign-out in one window wins over a token that another one is about to store", async () => {
  const machine = new Machine();
  const [one, two] = [opened(machine.window()), opened(machine.window())];
  await one.session.signIn(pasted("ada", "ws"));
  const { key } = (await one.accounts.current())!;
  const renew = () => two.accounts.renew(key, madeUp("ada", "ws", "renewed"));
  await Promise.all([one.session.signOut(), renew()]);
  assert.equal(await two.accounts.current(), undefined);
  assert.equal(await two.accounts.token(key), undefined);
  await renew();
  assert.equal(await two.accounts.token(key), undefined, "a late token is not left behind");
});

test("while the user signs in here, a sign-out elsewhere ends the old account and not the sign-in", async () => {
  const machine = new Machine();
  const [one, two] = [opened(machine.window()), opened(machine.window())];
  await one.session.signIn(pasted("ada", "ws"));
  await until(() => two.shown() === "ada@example.test");
  const given = deferred<{ accessToken: string; chatgptAccountId: string }>();
  const login = two.session.signIn(pasted("bob", "ws", () => given.promise));
  await one.session.signOut();
  await until(() => two.shown() === "starting");
  given.resolve({ accessToken: madeUp("bob", "ws"), chatgptAccountId: "ws" });
  assert.equal(await login, true);
  await until(() => one.shown() === "bob@example.test");
});

test("a window that follows another does not sign in again once that one has signed out", async () => {
  const machine = new Machine();
  const [one, two] = [opened(machine.window()), opened(machine.window())];
  const given = deferred<void>();
  two.accounts.token = async () => {
    await given.promise;
    return madeUp("ada", "ws");
  };
  await one.session.signIn(pasted("ada", "ws"));
  await settled();
  await one.session.signOut();
  await settled();
  given.resolve();
  await settled();
  assert.equal(two.shown(), "signedOut");
  assert.deepEqual(two.clients.flatMap(({ logins }) => logins), []);
});

// Token providers, called directly.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import {
  ByokeyClient,
  commandTokens,
  sessionTokens,
  TokenProviderError,
  type SecretTokens,
  type Session,
  type SessionRequest,
} from "@byokey/client";

import { exposedJson } from "#internal/secret.js";

import { Backend } from "./support/backend.js";
import { newFolder, WITHOUT_BYOKEY } from "./support/places.js";
import { showsNone } from "./support/secrets.js";
import { TOKENS } from "./support/transcript.js";
import { close, isRunning, until, within } from "./support/wait.js";

const SECRET = "made-up-access-token";
const UNAUTHORIZED = { reason: "unauthorized", previousAccountId: "ws-ada" };
const EXPIRING = { reason: "expiring", previousAccountId: "ws-ada" };
const LOGIN = { reason: "login", previousAccountId: null };

/** Returns a command that is this script, and counts its runs in `token`. */
function counting(more: object = {}, delay = 0): { args: string[]; runs: () => number } {
  const file = join(newFolder(), "runs");
  const script = `
    const fs = require("node:fs");
    fs.appendFileSync(${JSON.stringify(file)}, "x");
    const accessToken = "${SECRET}-" + fs.readFileSync(${JSON.stringify(file)}, "utf8").length;
    const answer = { accessToken, chatgptAccountId: "ws-ada", ...${JSON.stringify(more)} };
    setTimeout(() => console.log(JSON.stringify(answer, null, 2)), ${delay});
  `;
  return { args: ["--eval", script], runs: () => (existsSync(file) ? readFileSync(file, "utf8").length : 0) };
}

/** Tokens with their secret in clear, to compare. */
function clear({ accessToken, ...rest }: SecretTokens): object {
  return { accessToken: accessToken.expose(), ...rest };
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds;

test("a command gets the reason and the account, and nothing of an earlier request", async () => {
  const script = `
    const { BYOKEY_REFRESH_REASON: chatgptAccountId, BYOKEY_PREVIOUS_ACCOUNT_ID: id = "none", MADE_UP } = process.env;
    console.log(JSON.stringify({ accessToken: id, chatgptAccountId, chatgptPlanType: MADE_UP }));
  `;
  const environment = { ...process.env, BYOKEY_PREVIOUS_ACCOUNT_ID: "from outside", MADE_UP: "pro" };
  const tokens = commandTokens(process.execPath, ["--eval", script], { environment });
  assert.deepEqual(clear(await tokens()), { accessToken: "none", chatgptAccountId: "login", chatgptPlanType: "pro" });
  assert.deepEqual(
    clear(await tokens(UNAUTHORIZED)),
    { accessToken: "ws-ada", chatgptAccountId: "unauthorized", chatgptPlanType: "pro" },
  );
});

test("an answer is kept until the backend refuses it", async () => {
  const { args, runs } = counting();
  const tokens = commandTokens(process.execPath, args);
  const first = await tokens();
  assert.equal(first.accessToken.expose(), `${SECRET}-1`);
  assert.equal(await tokens(LOGIN), first);
  assert.equal(runs(), 1);
  assert.equal((await tokens(UNAUTHORIZED)).accessToken.expose(), `${SECRET}-2`);
  assert.equal((await tokens()).accessToken.expose(), `${SECRET}-2`, "what came last is kept");
  assert.equal((await tokens({ reason: "login", previousAccountId: "ws-bob" })).accessToken.expose(), `${SECRET}-3`);
  assert.equal((await tokens(EXPIRING)).accessToken.expose(), `${SECRET}-4`, "it may be the one that expires");
});

test("an answer is kept until a minute before it expires", async () => {
  const long = counting({ expiresAt: inSeconds(3_600) });
  const kept = commandTokens(process.execPath, long.args);
  await kept();
  await kept(LOGIN);
  await kept(EXPIRING);
  assert.equal(long.runs(), 1);
  const short = counting({ expiresAt: inSeconds(59) });
  const dropped = commandTokens(process.execPath, short.args);
  await dropped();
  await dropped();
  assert.equal(short.runs(), 2);
});

test("the same question asked twice at once runs the command once", async () => {
  const { args, runs } = counting({}, 100);
  const tokens = commandTokens(process.execPath, args);
  const [one, two] = await Promise.all([tokens(UNAUTHORIZED), tokens(UNAUTHORIZED)]);
  assert.equal(one, two);
  assert.equal(runs(), 1);
});

test("a failure is reported without the command's output, and is not cached", async () => {
  const problems: [string, RegExp][] = [
    [`console.log("${SECRET}"); console.error("${SECRET}"); process.exit(3)`, /ended with status 3/],
    [`console.log("${SECRET}")`, /did not print one JSON object/],
    [`console.log(JSON.stringify(["${SECRET}"]))`, /did not print one JSON object/],
    [`console.log('{}{"accessToken":"${SECRET}"}')`, /did not print one JSON object/],
    ["", /did not print one JSON object/],
    [`console.log('{"token":"${SECRET}"}')`, /no `accessToken`/],
    [`console.log('{"accessToken":"${SECRET}"}')`, /no `chatgptAccountId`/],
    [`console.log('{"accessToken":"${SECRET}","chatgptAccountId":7}')`, /no `chatgptAccountId`/],
    [`console.log('{"accessToken":"${SECRET}","chatgptAccountId":"a","chatgptPlanType":7}')`, /`chatgptPlanType`/],
    [`console.log('{"accessToken":"${SECRET}","chatgptAccountId":"a","expiresAt":"soon"}')`, /`expiresAt`/],
    [`console.log("${SECRET}".repeat(100_000)); setInterval(() => {}, 1000)`, /more than a megabyte/],
    [`process.kill(process.pid, "SIGKILL")`, /was ended by SIGKILL/],
  ];
  for (const [script, message] of problems) {
    const tokens = commandTokens(process.execPath, ["--eval", script]);
    await assert.rejects(tokens(), (error) => {
      assert.ok(error instanceof TokenProviderError);
      assert.match(error.message, message);
      showsNone(error, [SECRET]);
      return true;
    });
  }
  await assert.rejects(commandTokens("/nowhere/helper")(), /cannot be started \(ENOENT\)/);
});

test("a command that takes too long is ended, with all that it started", async () => {
  const file = join(newFolder(), "pids");
  const script = `sleep 300 & echo $! $$ > '${file}'; wait`;
  const tokens = commandTokens("sh", ["-c", script], { timeoutMs: 1_000 });
  await assert.rejects(within(tokens(), "the end"), /took longer than 1000 ms/);
  const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
  assert.equal(pids.length, 2);
  await until(() => !pids.some(isRunning), "the end of the processes");
});

test("an abandoned command is ended", async () => {
  const over = new AbortController();
  const tokens = commandTokens("sleep", ["300"]);
  const answer = tokens(UNAUTHORIZED, { signal: over.signal });
  over.abort();
  await assert.rejects(within(answer, "the end"), /no call waits/);
  await assert.rejects(tokens(UNAUTHORIZED, { signal: AbortSignal.abort() }), /no call waits/);
});

test("the server asks the command, and the call that waited goes on", { skip: WITHOUT_BYOKEY }, async () => {
  const script = `
    const { BYOKEY_REFRESH_REASON: reason } = process.env;
    const names = { login: "ada", unauthorized: "ada-renewed" };
    console.log(JSON.stringify({ accessToken: ${JSON.stringify(TOKENS)}[names[reason]], chatgptAccountId: "ws-ada" }));
  `;
  const refreshTokens = commandTokens(process.execPath, ["--eval", script]);
  const backend = await Backend.start({ rejectedBearers: [TOKENS["ada"]] });
  const clientInfo = { name: "tests", version: "1.0.0" };
  const client = await ByokeyClient.spawn({ clientInfo, refreshTokens, ...backend.server() });
  try {
    await client.login({ type: "chatgptAuthTokens", ...(await refreshTokens()) });
    const { rateLimits } = await within(client.readRateLimits(), "the limits");
    assert.equal(rateLimits.limitId, "codex");
    assert.equal((await refreshTokens()).accessToken.expose(), TOKENS["ada-renewed"]);
  } finally {
    await close(client);
    await backend.stop();
  }
});

/** A fake source of sessions, and its recorded requests. */
function sessions(...accessTokens: (string | undefined)[]): {
  asked: SessionRequest[];
  getSession: (options: SessionRequest) => Promise<Session | undefined>;
} {
  const asked: SessionRequest[] = [];
  return {
    asked,
    getSession: async (options) => {
      const accessToken = accessTokens[asked.length];
      asked.push(options);
      return accessToken === undefined ? undefined : { accessToken, account: { id: "ws-ada", label: "Ada" } };
    },
  };
}

test("a session is made for the first login, and forced when its token was refused", async () => {
  const { asked, getSession } = sessions("one", "one", "two", "three", "three", "three");
  const tokens = sessionTokens({ getSession, accountId: ({ account }) => account.id, planType: () => "pro" });
  assert.deepEqual(clear(await tokens()), { accessToken: "one", chatgptAccountId: "ws-ada", chatgptPlanType: "pro" });
  assert.equal((await tokens(UNAUTHORIZED)).accessToken.expose(), "two");
  assert.deepEqual(asked, [{ createIfNone: true }, { silent: true }, { forceNewSession: true }]);
  assert.equal((await tokens(UNAUTHORIZED)).accessToken.expose(), "three", "a newer token is taken without the user");
  assert.equal((await tokens(EXPIRING)).accessToken.expose(), "three");
  assert.deepEqual(asked.slice(3), [{ silent: true }, { silent: true }]);
});

test("a session whose token is not known to be newer is forced", async () => {
  const { asked, getSession } = sessions("one", "two");
  const tokens = sessionTokens({ getSession, accountId: async () => "ws-bob" });
  assert.deepEqual(clear(await tokens(UNAUTHORIZED)), { accessToken: "two", chatgptAccountId: "ws-bob" });
  assert.deepEqual(asked, [{ silent: true }, { forceNewSession: true }]);
});

test("a user who does not sign in is an error", async () => {
  const tokens = sessionTokens({ getSession: sessions().getSession, accountId: () => "ws-ada" });
  await assert.rejects(tokens(), TokenProviderError);
  await assert.rejects(tokens(UNAUTHORIZED), TokenProviderError);
});

test("tokens do not show themselves, and can be sent", async () => {
  const tokens = await sessionTokens({
    getSession: sessions(TOKENS["ada"]).getSession,
    accountId: () => "ws-ada",
  })();
  const secret = TOKENS["ada"] ?? "";
  const login = { type: "chatgptAuthTokens", ...tokens };
  const shown = [inspect(tokens), inspect(login), JSON.stringify(login), `${tokens.accessToken}`, String(tokens)];
  for (const text of [...shown, JSON.stringify(structuredClone(login)), inspect(structuredClone(login))]) {
    assert.ok(!text.includes(secret), text);
  }
  assert.equal(JSON.stringify(tokens), '{"accessToken":"[redacted]","chatgptAccountId":"ws-ada"}');
  assert.deepEqual(JSON.parse(exposedJson(login)), {
    type: "chatgptAuthTokens",
    accessToken: secret,
    chatgptAccountId: "ws-ada",
  });
});

test("what a command writes to standard error reaches the log of the client that asked it, redacted", async () => {
  const log: string[] = [];
  const context = { signal: new AbortController().signal, onLog: (line: string) => log.push(line) };
  const script = `echo "the login has expired: run my-login; it was ${TOKENS["ada"]}" >&2; exit 3`;
  await assert.rejects(commandTokens("sh", ["-c", script])(UNAUTHORIZED, context), TokenProviderError);
  assert.deepEqual(log, ["[token command] the login has expired: run my-login; it was [redacted]"]);
  const own: string[] = [];
  const tokens = commandTokens("sh", ["-c", script], { onLog: (line) => own.push(line) });
  await assert.rejects(tokens(UNAUTHORIZED, context), TokenProviderError);
  assert.equal(own.length, 1);
  assert.equal(log.length, 1);
});

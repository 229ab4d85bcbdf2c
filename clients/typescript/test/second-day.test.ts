// A host's further needs: a whole answer, interactive logins, and failing programs.

import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import {
  ByokeyClient,
  ConnectionClosedError,
  LoginError,
  ServerNotFoundError,
  StartTimeoutError,
  TurnFailedError,
} from "@byokey/client";

import { redact, redactArguments } from "#internal/redact.js";

import { Backend } from "./support/backend.js";
import { fake, withFake } from "./support/fake.js";
import { newFolder, SUITE, WITHOUT_BYOKEY } from "./support/places.js";
import { showsNone } from "./support/secrets.js";
import { TOKENS } from "./support/transcript.js";
import { close, until, within } from "./support/wait.js";

const SECRET = TOKENS["ada"] ?? "";

/** A server that identifies as byokey, and answers turns by a script. */
const TURNS = `
  server.serverInfo.name = "byokey";
  const turn = (status, error = null) => ({ id: "u", items: [], status, error });
  handlers["thread/start"] = ({ id }) => send({ id, result: { thread: { id: "t" } } });
  handlers["turn/interrupt"] = ({ id, params }) => { log("interrupted " + params.turnId); send({ id, result: {} }); };
  const delta = (delta, turnId = "u") => send({ method: "item/agentMessage/delta", params: { threadId: "t", turnId, itemId: "i", delta } });
  const item = (text, turnId = "u") => send({ method: "item/completed", params: { threadId: "t", turnId, item: { type: "agentMessage", id: "i", text } } });
  const end = (status, error) => send({ method: "turn/completed", params: { threadId: "t", turn: turn(status, error) } });
`;

test("run gives the pieces of an answer, and the whole; other turns do not count", async () => {
  const script = `${TURNS}
    handlers["turn/start"] = ({ id, params }) => {
      delta("early ");
      send({ id, result: { turn: turn("inProgress") } });
      delta("of another", "v"); item("of another", "v");
      delta("and late"); item(params.threadId + ": " + params.input[0].text); end("completed");
    };`;
  await withFake(script, async (client) => {
    const pieces: string[] = [];
    const result = await client.run("Hello", { onDelta: (piece) => pieces.push(piece) });
    assert.deepEqual([result.text, result.threadId, result.turn.status], ["t: Hello", "t", "completed"]);
    assert.deepEqual(pieces, ["early ", "and late"]);
    assert.equal((await client.run("Go on", { threadId: "other" })).text, "other: Go on");
  });
});

test("a turn that fails is an error with its kind and what the server said", async () => {
  const script = `${TURNS}
    handlers["turn/start"] = ({ id }) => {
      send({ id, result: { turn: turn("inProgress") } });
      end("failed", { message: "the plan is used up until 17:00, ${SECRET}", codexErrorInfo: "usageLimitExceeded" });
    };`;
  await withFake(script, async (client) => {
    await assert.rejects(client.run("Hello"), (error) => {
      assert.ok(error instanceof TurnFailedError);
      assert.equal(error.kind, "usageLimitExceeded");
      assert.match(error.message, /^The turn failed \(usageLimitExceeded\)\. The plan is used up until 17:00/);
      showsNone(error.message, [SECRET]);
      return true;
    });
  });
});

test("a run that is given up interrupts its turn; one whose server ends fails at once", async () => {
  const script = `${TURNS} handlers["turn/start"] = ({ id, params }) => {
    send({ id, result: { turn: turn("inProgress") } });
    delta("one");
    if (params.input[0].text === "die") setTimeout(() => process.exit(3), 10);
  };`;
  const log: string[] = [];
  await withFake(
    script,
    async (client) => {
      const over = new AbortController();
      const reason = new Error("the user left");
      await assert.rejects(client.run("Hello", { signal: over.signal, onDelta: () => over.abort(reason) }), reason);
      await until(() => log.includes("interrupted u"), "the interruption");
      await assert.rejects(client.run("die"), ConnectionClosedError);
    },
    { onLog: (line) => log.push(line) },
  );
});

test("a login that the server runs is waited for to its end", async () => {
  const script = `
    server.serverInfo.name = "byokey";
    const done = (success, error = null) =>
      send({ method: "account/login/completed", params: { loginId: "l", success, error } });
    handlers["account/login/start"] = ({ id, params }) => {
      send({ method: "account/login/completed", params: { loginId: "other", success: false, error: "not mine" } });
      send({ id, result: { type: params.type, loginId: "l", authUrl: "https://a.test", verificationUrl: "https://v.test", userCode: "AB-12" } });
    };
    handlers["account/read"] = ({ id }) => send({ id, result: { account: { type: "chatgpt", email: "ada" } } });
    handlers["account/login/cancel"] = ({ id, params }) => { log("cancelled " + params.loginId); send({ id, result: {} }); };
    handlers.succeed = ({ id }) => { done(true); send({ id, result: null }); };
    handlers.fail = ({ id }) => { done(false, "the code has expired"); send({ id, result: null }); };
  `;
  const log: string[] = [];
  await withFake(
    script,
    async (client) => {
      const opened: string[] = [];
      const read = await client.loginInBrowser(async (url) => {
        opened.push(url);
        await client.request("succeed");
      });
      assert.deepEqual(opened, ["https://a.test"]);
      assert.equal(read.account?.type, "chatgpt");
      await assert.rejects(
        client.loginWithDeviceCode((code) => {
          assert.deepEqual(code, { verificationUrl: "https://v.test", userCode: "AB-12" });
          void client.request("fail");
        }),
        (error) => {
          assert.ok(error instanceof LoginError && error.kind === "loginFailed");
          assert.match(error.message, /The code has expired\. Start the login again\./);
          return true;
        },
      );
      assert.equal(log.length, 0);
      const over = new AbortController();
      const reason = new Error("the user left");
      const login = client.loginInBrowser(() => over.abort(reason), { signal: over.signal });
      await assert.rejects(within(login, "the end"), reason);
      await until(() => log.includes("cancelled l"), "the cancellation");
      const problem = new Error("there is no browser");
      await assert.rejects(client.loginInBrowser(() => Promise.reject(problem)), problem);
      await until(() => log.length === 2, "the cancellation");
    },
    { onLog: (line) => log.push(line) },
  );
});

test("where the server owns the login, no provider is needed, and its question is refused", async () => {
  const { refreshTokens: _, ...options } = fake(`
    handlers.ask = ({ id }) => { asker = id; send({ id: "r", method: "account/chatgptAuthTokens/refresh", params: {} }); };
    let asker;
    handlers.answer = ({ error }) => send({ id: asker, result: error.code });
  `);
  const client = await ByokeyClient.spawn({ ...options, serverOwnsLogin: true });
  try {
    assert.equal(await within(client.request("ask"), "the answer"), -32601);
  } finally {
    await close(client);
  }
  await assert.rejects(ByokeyClient.spawn({ ...options } as never), TypeError);
});

test("an end says which program it was, with what arguments, and what it wrote last, without secrets", async () => {
  const script = `
    handlers.end = () => {
      for (let n = 1; n <= 30; n++) log("line " + n);
      process.stderr.write("bearer ${SECRET} was refused", () => process.exit(3));
    };
  `;
  await withFake(script, async (client) => {
    await assert.rejects(client.request("end"), (error) => {
      assert.ok(error instanceof ConnectionClosedError);
      assert.equal(error.command, process.execPath);
      assert.equal(error.lastLog.length, 10);
      assert.equal(error.lastLog.at(-1), "bearer [redacted] was refused");
      assert.ok(error.message.includes(process.execPath) && error.message.includes("\n  line 30\n"), error.message);
      showsNone(error, [SECRET]);
      return true;
    });
  });
});

test("a start that takes too long says the same", async () => {
  const options = fake(`log("waiting for a network that never comes"); handlers.initialize = () => {};`);
  await assert.rejects(within(ByokeyClient.spawn({ ...options, startTimeoutMs: 1_500 }), "the end"), (error) => {
    assert.ok(error instanceof StartTimeoutError);
    assert.deepEqual(error.lastLog, ["waiting for a network that never comes"]);
    assert.ok(error.message.includes(`${process.execPath} --eval`), error.message);
    return true;
  });
});

/** Creates a program that does not know `app-server`. */
function stranger(version: string): string {
  const path = join(newFolder(), "byokey");
  const script = `case "$1" in --version) echo "${version}" ;; *) echo "error: unrecognized subcommand '$1'" >&2; exit 2 ;; esac`;
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("another program of the same name is recognised, and named", async () => {
  const command = stranger("byokey 1.4.2");
  await assert.rejects(ByokeyClient.spawn({ ...fake("", { command }), args: ["app-server"] }), (error) => {
    assert.ok(error instanceof ServerNotFoundError);
    assert.match(error.message, /is another program, which calls itself "byokey 1\.4\.2"/);
    assert.ok(error.message.includes(`${command} app-server`), error.message);
    assert.deepEqual(error.lastLog, ["error: unrecognized subcommand 'app-server'"]);
    return true;
  });
});

test("our own program that does not take its arguments is not another one", async () => {
  const options = fake("", { command: stranger("codex-cli 0.169.0 (byokey 0.1.0)"), args: ["app-servr"] });
  await assert.rejects(ByokeyClient.spawn(options), (error) => {
    assert.ok(error instanceof ConnectionClosedError && error.exit?.code === 2);
    assert.match(error.message, /unrecognized subcommand 'app-servr'/);
    return true;
  });
});

/** The list that every redaction of this project is held to. */
interface Redaction {
  tokens: string[];
  around: string[];
  words: { text: string; secret: string }[];
  plain: string[];
}

test("what may be a secret is redacted, and what helps is not", () => {
  const { tokens, around, words, plain }: Redaction = JSON.parse(readFileSync(join(SUITE, "redaction.json"), "utf8"));
  for (const text of plain) assert.equal(redact(text), text);
  for (const token of tokens) {
    for (const text of around) showsNone(redact(text.replace("$token", token)), [token]);
  }
  for (const { text, secret } of words) showsNone(redact(text), [secret]);
  const secrets = [...Object.values(TOKENS), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  for (const secret of secrets) showsNone(redact(`it is "${secret}", or ${secret}.`), [secret]);
  showsNone(redact("Authorization: Bearer short"), ["short"]);
  showsNone(redact("https://ada:pass@proxy.test"), ["pass"]);
  assert.equal(redact("one\ntwo\u001b[31m"), "one two [31m");
  assert.deepEqual(
    redactArguments(["-c", "model_providers.x.experimental_bearer_token=abc", "-c", "chatgpt_base_url=http://127.0.0.1:1/b", "--port", "80"]),
    ["-c", "[redacted]=…", "-c", "chatgpt_base_url=http://127.0.0.1:1/b", "--port", "80"],
  );
});

test("a secret that is cut is not shown", () => {
  for (const secret of ["sk-made-up-0123456789", "https://ada:made-up-password@proxy.test"]) {
    assert.equal(redact(`${"x".repeat(1986)} ${secret}`), "[redacted] …");
  }
  assert.equal(redact("/".repeat(2001)), "…");
});

describe("with the server", { skip: WITHOUT_BYOKEY }, () => {
  test("run streams an answer of the backend, and a failure says what the server says", async () => {
    const backend = await Backend.start({ routes: { usage: [{ status: 503, repeat: 9 }] } });
    const client = await ByokeyClient.spawn({ ...fake("", backend.server()), ...backend.server() });
    try {
      await client.login({ type: "chatgptAuthTokens", accessToken: SECRET, chatgptAccountId: "ws-ada" });
      const pieces: string[] = [];
      const { text, threadId } = await within(client.run("Hello", { onDelta: (it) => pieces.push(it) }), "the answer");
      assert.ok(text.length > 0);
      assert.equal(pieces.join(""), text);
      assert.equal((await within(client.run("More", { threadId }), "the answer")).threadId, threadId);
    } finally {
      await close(client);
      await backend.stop();
    }
  });
});

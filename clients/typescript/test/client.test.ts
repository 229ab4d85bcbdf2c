// The client and one server: what the transcripts of the suite do not cover.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { ByokeyClient, ByokeyError, ConnectionClosedError, RequestError, type Event } from "@byokey/client";

import { EventStream } from "#internal/event-stream.js";

import { fake, withFake } from "./support/fake.js";
import { run } from "./support/run.js";
import { isRunning, until, within } from "./support/wait.js";

const ECHO = `handlers.echo = ({ id, params }) => send({ id, result: params ?? null });`;

test("the handshake sends the host's name, capabilities and process", async () => {
  const script = `
    let first;
    handlers.initialize = ({ id, params }) => { first = params; send({ id, result: server }); };
    handlers.first = ({ id }) => send({ id, result: first });
  `;
  await withFake(
    script,
    async (client) => {
      assert.deepEqual(await client.request("first"), {
        clientInfo: { name: "tests", version: "1.0.0" },
        capabilities: { proactiveRefresh: true },
        processId: process.pid,
      });
      assert.equal(client.server.userAgent, "fake");
    },
    { capabilities: { proactiveRefresh: true } },
  );
});

test("a handshake that is refused ends the server", async () => {
  const script = `
    log("pid " + process.pid);
    handlers.initialize = ({ id }) =>
      send({ id, error: { code: -32600, message: "made up", data: { kind: "invalidClientName" } } });
  `;
  const log: string[] = [];
  const spawned = ByokeyClient.spawn(fake(script, { onLog: (line) => log.push(line) }));
  await assert.rejects(within(spawned, "the refusal"), { name: "InvalidRequestError", kind: "invalidClientName" });
  const pid = Number(log[0]?.slice(4));
  const isLeft = isRunning(pid);
  if (isLeft) process.kill(pid, "SIGKILL");
  assert.ok(!isLeft);
});

test("a server that ends before it is ready is reported with its status", async () => {
  const spawned = ByokeyClient.spawn({ ...fake(""), args: ["--eval", "process.exit(7)"] });
  await assert.rejects(within(spawned, "the end"), (error) => {
    assert.ok(error instanceof ConnectionClosedError);
    assert.deepEqual(error.exit, { code: 7, signal: null });
    assert.match(error.message, /ended with status 7/);
    return true;
  });
});

test("a large message and characters of several bytes come whole, however the pipe cuts them", async () => {
  await withFake(ECHO, async (client) => {
    const texts = ["é€😀".repeat(400_000), "\u2028\u0000\"\\", "😀"];
    const answers = await Promise.all(texts.map((text) => client.request("echo", { text })));
    assert.deepEqual(
      answers,
      texts.map((text) => ({ text })),
    );
  });
});

test("lines may be cut anywhere, even within a character", async () => {
  const script = `
    handlers.cut = async ({ id }) => {
      const bytes = Buffer.from(JSON.stringify({ id, result: "é€😀" }) + "\\r\\n");
      for (const byte of bytes) {
        await new Promise((next) => process.stdout.write(Buffer.of(byte), () => setTimeout(next, 1)));
      }
    };
  `;
  await withFake(script, async (client) => assert.equal(await client.request("cut"), "é€😀"));
});

test("events right after the handshake reach those who ask right after spawn", async () => {
  const script = `
    handlers.initialize = ({ id }) => process.stdout.write(
      [{ id, result: server }, { method: "configWarning", params: { summary: "one" } }, { method: "two" }]
        .map((message) => JSON.stringify(message) + "\\n").join(""));
  `;
  await withFake(script, async (client) => {
    const heard: unknown[] = [];
    client.on("two", (params) => heard.push(params));
    const events = client.events();
    const seen: (Event | undefined)[] = [(await events.next()).value, (await events.next()).value];
    assert.deepEqual(
      seen.map((event) => [event?.type, event?.method]),
      [
        ["configWarning", "configWarning"],
        ["unknown", "two"],
      ],
    );
    assert.deepEqual(heard, [undefined]);
  });
});

test("a listener that throws fails the host, and not the other listeners", async () => {
  const events = new URL("../../dist/events.js", import.meta.url);
  const script = `
    import { Events } from ${JSON.stringify(events.href)};
    const events = new Events();
    events.release();
    events.on("n", () => { throw new Error("made up"); });
    events.on("n", () => console.log("heard"));
    process.on("uncaughtException", (error) => console.log(error.message));
    events.tell("n");
  `;
  assert.equal(await run(process.execPath, ["--input-type=module", "--eval", script]), "heard\nmade up\n");
});

test("an unread stream stores a limited number of events, and reports that some were lost", async () => {
  const stream = new EventStream<number>(() => {});
  for (let n = 0; n <= 100_000; n++) stream.push(n);
  for (let n = 0; n < 100_000; n++) assert.equal((await stream.next()).value, n);
  await assert.rejects(stream.next(), ByokeyError);
  assert.equal((await stream.next()).done, true);
});

test("each stream has all events, and ends with the server", async () => {
  const script = `
    handlers.tell = ({ id }) => {
      for (const n of [1, 2]) send({ method: "n", params: n });
      send({ id, result: null });
    };
  `;
  await withFake(script, async (client) => {
    const all = async (): Promise<unknown[]> => {
      const seen = [];
      for await (const event of client.events()) seen.push(event.params);
      return seen;
    };
    const readers = [all(), all()];
    const first: unknown[] = [];
    const stop = client.on("n", (n) => {
      first.push(n);
      stop();
    });
    await client.request("tell");
    await client.close();
    assert.deepEqual(await Promise.all(readers), [[1, 2], [1, 2]]);
    assert.deepEqual(first, [1], "a listener that has stopped hears no more");
    assert.deepEqual(await client.events().next(), { value: undefined, done: true });
  });
});

test("a call that is given up rejects with the signal's reason, and nothing is sent before or twice", async () => {
  const script = `
    const seen = [];
    handlers.slow = ({ id }) => seen.push(["slow", id]);
    handlers["$/cancelRequest"] = ({ id, params }) => seen.push(["cancel", id ?? null, params.id]);
    handlers.seen = ({ id }) => send({ id, result: seen });
  `;
  await withFake(script, async (client) => {
    const reason = new Error("the user left");
    await assert.rejects(client.request("slow", {}, { signal: AbortSignal.abort(reason) }), reason);
    const over = new AbortController();
    const call = client.request("slow", {}, { signal: over.signal });
    over.abort(reason);
    over.abort(new Error("again"));
    await assert.rejects(call, reason);
    const done = new AbortController();
    assert.deepEqual(await client.request("seen", {}, { signal: done.signal }), [
      ["slow", 2],
      ["cancel", null, 2],
    ]);
    done.abort();
    assert.equal(((await client.request("seen")) as unknown[]).length, 2, "an answered call is not cancelled");
  });
});

test("a call that is given up while the server does not read is never sent", async () => {
  const script = `
    const seen = [];
    handlers.pause = ({ id }) => {
      send({ id, result: null });
      process.stdin.pause();
      setTimeout(() => process.stdin.resume(), 500);
    };
    handlers.large = ({ id, params }) => { seen.push(params.name); send({ id, result: params.text.length }); };
    handlers["$/cancelRequest"] = () => seen.push("cancelled");
    handlers.seen = ({ id }) => send({ id, result: seen });
  `;
  await withFake(script, async (client) => {
    await client.request("pause");
    const over = new AbortController();
    const text = "x".repeat(1_000_000);
    const calls = ["one", "two", "three"].map((name) => {
      const signal = name === "two" ? over.signal : undefined;
      return client.request("large", { name, text }, { signal });
    });
    over.abort(new Error("given up"));
    await assert.rejects(calls[1] ?? Promise.resolve(), /given up/);
    assert.deepEqual(await Promise.all([calls[0], calls[2]]), [text.length, text.length]);
    assert.deepEqual(await client.request("seen"), ["one", "three"]);
  });
});

test("the log of the server comes by lines", async () => {
  const log: string[] = [];
  const script = `log("one\\ntwo"); process.stderr.write("thr"); setTimeout(() => process.stderr.write("ee\\n"), 20);`;
  await withFake(script, () => until(() => log.length === 3, "the log"), { onLog: (line) => log.push(line) });
  assert.deepEqual(log, ["one", "two", "three"]);
});

test("closing fails the calls that wait, ends a server that will not end, and may be repeated", async () => {
  const script = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); log("ready");`;
  const log: string[] = [];
  await withFake(
    script,
    async (client) => {
      await until(() => log.length > 0, "the log");
      const call = client.request("slow");
      const failed = assert.rejects(call, (error) => {
        assert.ok(error instanceof ConnectionClosedError && error.closedHere);
        return true;
      });
      const closing = client.close();
      await failed;
      await Promise.all([closing, client.close(), client[Symbol.asyncDispose]()]);
      assert.equal((await client.closed).signal, "SIGKILL");
      assert.ok(client.pid !== undefined && !isRunning(client.pid));
      await assert.rejects(client.request("slow"), ConnectionClosedError);
    },
    { onLog: (line) => log.push(line) },
  );
});

test("of what a provider gives, only the tokens are sent", async () => {
  const script = `
    let asker;
    handlers.ask = ({ id, params }) => {
      asker = id;
      send({ id: "r", method: "account/chatgptAuthTokens/refresh", params });
    };
    handlers.answer = ({ result, error }) => send({ id: asker, result: result ?? error.code });
  `;
  const tokens = { accessToken: "made up", chatgptAccountId: "ws-ada", chatgptPlanType: null };
  const answers = [{ ...tokens, refreshToken: "made up, too" }, undefined, null, "text"];
  await withFake(
    script,
    async (client) => {
      const params = { reason: "unauthorized", previousAccountId: null };
      assert.deepEqual(await client.request("ask", params), { accessToken: "made up", chatgptAccountId: "ws-ada" });
      assert.equal(await client.request("ask", params), -32000);
      assert.equal(await client.request("ask", params), -32000);
      assert.deepEqual(await client.request("ask", params), {}, "the server says what is missing");
      assert.equal(await client.request("ask", null), -32000);
    },
    { refreshTokens: () => answers.shift() as typeof tokens },
  );
});

test("an answer that is neither result nor error fails the call", async () => {
  await withFake(`handlers.odd = ({ id }) => send({ id });`, async (client) => {
    await assert.rejects(client.request("odd"), RequestError);
  });
});

test("nothing in a client shows what it sent", async () => {
  await withFake(ECHO, async (client) => {
    const secret = "made-up-secret";
    const call = client.request("never", { secret });
    call.catch(() => {});
    await client.request("echo", { secret });
    assert.ok(!inspect(client, { depth: Infinity, showHidden: true }).includes(secret));
  });
});

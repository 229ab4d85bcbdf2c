// Runs the client's side of a transcript of the suite.

import assert from "node:assert/strict";

import * as byokey from "@byokey/client";
import { ByokeyClient, Supervisor, type TokenContext, type TokenRequest, type Tokens } from "@byokey/client";

import type { Program } from "./backend.js";
import { showsNone } from "./secrets.js";
import { filled, has, type Json, TOKENS, type Transcript } from "./transcript.js";
import { close, until, within } from "./wait.js";

/** Runs one transcript against a server, and closes the client. */
export async function play(transcript: Transcript, program: Program): Promise<void> {
  const { names, ...server } = program;
  const player = new Player(transcript, names);
  const log: string[] = [];
  const options: byokey.SpawnOptions = {
    clientInfo: { name: "suite", version: "1.0.0" },
    refreshTokens: (request, context) => player.refresh(request, context) as Promise<Tokens>,
    refreshBearerToken: (request) => player.refresh(request) as Promise<byokey.NewBearerToken>,
    onLog: (line) => log.push(line),
    ...server,
    startTimeoutMs: transcript.startTimeoutMs,
    ...(transcript.capabilities && { capabilities: transcript.capabilities }),
  };
  if (transcript.supervised === true) {
    const onRestart = (): void => void (player.restarts += 1);
    const { bearerLogin } = transcript;
    const starting = Supervisor.start({ ...options, bearerLogin, onRestart, pausesMs: [10] });
    const supervisor = await within(starting, "the start");
    try {
      await player.run({ events: () => supervisor.events(), client: () => supervisor.ready(), log });
    } finally {
      await supervisor.close();
    }
    return;
  }
  const spawning = ByokeyClient.spawn(options);
  if (transcript.spawnFails !== undefined) {
    const error = await within(failureOf(spawning), "the end of the handshake");
    checkClass(error, transcript.spawnFails);
    for (const text of transcript.spawnSays ?? []) assert.ok((error as Error).message.includes(text), String(error));
    showsNone(error, Object.values(TOKENS));
    return;
  }
  const client = await within(spawning, "the handshake");
  try {
    await player.run({ events: () => client.events(), client: () => Promise.resolve(client), log });
  } finally {
    await close(client);
  }
  showsNone(log, Object.values(TOKENS));
}

/** The inputs of a transcript. */
interface Stage {
  readonly events: () => AsyncIterator<byokey.Event>;
  /** The client; with a supervisor, that of the running server. */
  readonly client: () => Promise<ByokeyClient>;
  readonly log: readonly string[];
}

interface Call {
  readonly answer: Promise<unknown>;
  readonly giveUp: AbortController;
}

class Player {
  readonly #transcript: Transcript;
  readonly #names: Record<string, unknown> = { ...TOKENS };
  readonly #calls = new Map<unknown, Call>();
  readonly #asked: (TokenRequest | byokey.BearerTokenRequest)[] = [];
  restarts = 0;

  constructor(transcript: Transcript, names: Record<string, unknown> = {}) {
    this.#transcript = transcript;
    Object.assign(this.#names, names);
  }

  refresh(
    request: TokenRequest | byokey.BearerTokenRequest,
    context?: TokenContext,
  ): Promise<Tokens | byokey.NewBearerToken> {
    const refresh = this.#transcript.refresh?.[this.#asked.length];
    this.#asked.push(request);
    if (refresh?.hang === true) return new Promise(() => {});
    if (refresh?.command !== undefined) {
      const { says, status } = refresh.command;
      return byokey.commandTokens("sh", ["-c", 'echo "$0" >&2; exit "$1"', says, `${status}`])(
        request as TokenRequest,
        context,
      );
    }
    if (refresh?.answer === undefined) throw new Error(refresh?.fail ?? "asked too often");
    return Promise.resolve(filled(refresh.answer, this.#names) as Tokens | byokey.NewBearerToken);
  }

  async run(stage: Stage): Promise<void> {
    const events = stage.events();
    for (const [index, step] of this.#transcript.client.entries()) {
      const what = `step ${index + 1}, ${Object.keys(step)[0]}`;
      try {
        await within(this.#step(stage, events, step), what);
      } catch (error) {
        throw new Error(`${this.#transcript.name}: ${what}: ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async #step(stage: Stage, events: AsyncIterator<byokey.Event>, step: Json): Promise<void> {
    const is = filled(step["is"], this.#names);
    const client = await stage.client();
    if (typeof step["call"] === "string") {
      this.#call(client, step["call"], step);
    } else if ("result" in step) {
      const result = await this.#called(step["result"]).answer;
      assert.ok(is === undefined || has(result, is), "the result differs");
      for (const [name, path] of Object.entries((step["keep"] ?? {}) as Record<string, string[]>)) {
        this.#names[name] = path.reduce<unknown>((value, member) => (value as Json)[member], result);
      }
    } else if ("fails" in step) {
      const error = await failureOf(this.#called(step["fails"]).answer);
      this.#checkError(error, step);
    } else if ("cancel" in step) {
      this.#called(step["cancel"]).giveUp.abort(new Error("given up"));
    } else if ("cancelled" in step) {
      const { answer, giveUp } = this.#called(step["cancelled"]);
      assert.equal(await failureOf(answer), giveUp.signal.reason);
    } else if ("event" in step) {
      const event = await nextNamed(events, step["event"]);
      assert.ok(is === undefined || has(event.params, is), "the event differs");
    } else if (typeof step["asked"] === "number") {
      const number = step["asked"];
      await until(() => this.#asked.length >= number, "the question for tokens");
      assert.ok(is === undefined || has(this.#asked[number - 1], is), "the question differs");
    } else if ("account" in step) {
      const wanted = step["account"];
      if (has(client.account.current, wanted)) return;
      for await (const account of client.account) if (has(account, wanted)) return;
      assert.ok(has(client.account.current, wanted), "the account differs");
    } else if (typeof step["logged"] === "string") {
      const text = step["logged"];
      await until(() => stage.log.some((line) => line.includes(text)), "the line of the log");
    } else if (typeof step["restarted"] === "number") {
      const number = step["restarted"];
      await until(() => this.restarts >= number, "the restart");
    } else if ("kill" in step) {
      assert.ok(client.pid !== undefined);
      process.kill(client.pid, "SIGKILL");
    } else if ("closed" in step) {
      await client.closed;
    } else if ("close" in step) {
      await client.close();
    } else {
      assert.fail("there is no such step");
    }
  }

  #call(client: ByokeyClient, method: string, step: Json): void {
    const giveUp = new AbortController();
    const params = filled(step["params"], this.#names);
    const answer = client.request<string>(method, params, { signal: giveUp.signal });
    // It may be unawaited for some steps.
    answer.catch(() => {});
    this.#calls.set(step["as"], { answer, giveUp });
  }

  #called(name: unknown): Call {
    const call = this.#calls.get(name);
    assert.ok(call, "there is no such call");
    return call;
  }

  #checkError(error: unknown, step: Json): void {
    checkClass(error, step["error"]);
    const { kind, code } = error as { kind?: unknown; code?: unknown };
    assert.deepEqual({ kind, code }, { kind: step["kind"], code: step["code"] });
    const says = String(step["says"] ?? "");
    assert.ok((error as Error).message.includes(says), String(error));
    showsNone(error, Object.values(TOKENS));
  }
}

function checkClass(error: unknown, name: unknown): void {
  const Class = byokey[name as keyof typeof byokey] as unknown as new () => Error;
  assert.ok(error instanceof Class && error.constructor === Class, `it is ${String(error)}`);
  assert.equal(error.name, name);
  assert.ok(error instanceof byokey.ByokeyError);
}

async function failureOf(answer: Promise<unknown>): Promise<unknown> {
  const outcome = await answer.then(
    () => "it succeeded",
    (error: unknown) => ({ error }),
  );
  if (typeof outcome === "string") assert.fail(outcome);
  return outcome.error;
}

async function nextNamed(events: AsyncIterator<byokey.Event>, name: unknown): Promise<byokey.Event> {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(done !== true, "the events ended");
    if (value.method === name) return value;
  }
}

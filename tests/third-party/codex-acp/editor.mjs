// An editor that speaks the Agent Client Protocol, as Zed and JetBrains IDEs do. It starts the
// adapter codex-acp, which in turn starts byokey.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Readable, Writable } from "node:stream";

import { client, methods, ndJsonStream } from "@agentclientprotocol/sdk";

import { BYOKEY_BIN } from "./story.mjs";

/** Runs `tell` with an editor that is connected to the adapter; then closes the connection. */
export async function withEditor(tell) {
  const adapterPath = import.meta.resolve("@agentclientprotocol/codex-acp/dist/index.js");
  const adapter = spawn(process.execPath, [fileURLToPath(adapterPath)], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CODEX_PATH: BYOKEY_BIN },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(adapter, "exit");
  const stream = ndJsonStream(Writable.toWeb(adapter.stdin), Readable.toWeb(adapter.stdout));
  const updates = [];
  const listeners = new Set();
  const app = client({ name: "third-party" }).onNotification(
    methods.client.session.update,
    ({ params }) => {
      updates.push(params.update);
      listeners.forEach((listener) => listener(params.update));
    },
  );
  await app.connectWith(stream, (context) =>
    tell(new Editor(context, adapter.pid, updates, listeners)),
  );
  adapter.stdin.end();
  return exited;
}

class Editor {
  #context;
  #updates;
  #listeners;

  constructor(context, adapterPid, updates, listeners) {
    this.#context = context;
    this.adapterPid = adapterPid;
    this.#updates = updates;
    this.#listeners = listeners;
  }

  initialize() {
    return this.#context.request(methods.agent.initialize, {
      protocolVersion: 1,
      clientCapabilities: {},
    });
  }

  signIn(apiKey) {
    return this.#context.request(methods.agent.authenticate, {
      methodId: "api-key",
      _meta: { "api-key": { apiKey } },
    });
  }

  signOut() {
    return this.#context.request("authentication/logout", {});
  }

  async authentication() {
    return (await this.#context.request("authentication/status", {})).type;
  }

  newSession() {
    return this.#context.request(methods.agent.session.new, { cwd: process.cwd(), mcpServers: [] });
  }

  /** The error of a session that cannot be opened. */
  async sessionRefusal() {
    return this.newSession().then(
      () => "opened",
      (error) => [error.code, error.message],
    );
  }

  /** Says something; returns why the turn ended and the pieces of text that it streamed. */
  async prompt(sessionId, text) {
    const before = this.#updates.length;
    const { stopReason } = await this.#context.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: "text", text }],
    });
    const chunks = this.#updates
      .slice(before)
      .filter((update) => update.sessionUpdate === "agent_message_chunk");
    return { stopReason, pieces: chunks.map((chunk) => chunk.content.text) };
  }

  /** The next failure that the adapter tells while a turn goes on. */
  nextFailure() {
    return new Promise((resolve) => {
      const listener = (update) => {
        const failure = update._meta?.codex?.error;
        if (!failure) return;
        this.#listeners.delete(listener);
        resolve(failure);
      };
      this.#listeners.add(listener);
    });
  }
}

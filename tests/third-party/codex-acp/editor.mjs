// An editor with the Agent Client Protocol, as Zed and JetBrains IDEs. It starts the adapter
// codex-acp, which in turn starts byokey.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Readable, Writable } from "node:stream";

import { client, methods, ndJsonStream } from "@agentclientprotocol/sdk";

import { BYOKEY_BIN } from "./story.mjs";

/** Settings of codex that the adapter passes on with each thread. Most have no meaning in byokey. */
const SETTINGS = {
  model_reasoning_effort: "high",
  sandbox_mode: "workspace-write",
  web_search: "live",
  features: { unified_exec: true },
  mcp_servers: { docs: { command: "/bin/true", args: [] } },
};

/** Runs a scenario with an editor that is connected to the adapter; then closes the connection. */
export async function withEditor(tell) {
  const adapterPath = import.meta.resolve("@agentclientprotocol/codex-acp/dist/index.js");
  const configured = process.argv.includes("configured");
  const settings = configured ? { CODEX_CONFIG: JSON.stringify(SETTINGS) } : {};
  const adapter = spawn(process.execPath, [fileURLToPath(adapterPath)], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CODEX_PATH: BYOKEY_BIN, ...settings },
    stdio: ["pipe", "pipe", "pipe"],
  });
  tellIfAllFails(adapter.stderr);
  const exited = once(adapter, "exit");
  const stream = ndJsonStream(Writable.toWeb(adapter.stdin), Readable.toWeb(adapter.stdout));
  const updates = [];
  const app = client({ name: "third-party" }).onNotification(
    methods.client.session.update,
    ({ params }) => updates.push(params.update),
  );
  await app.connectWith(stream, (context) => tell(new Editor(context, adapter.pid, updates)));
  adapter.stdin.end();
  return exited;
}

/** Prints the adapter's log, only if the driver fails: it logs every 401. */
function tellIfAllFails(log) {
  let logged = "";
  log.setEncoding("utf8").on("data", (text) => (logged += text));
  process.on("exit", (code) => code && console.log(logged));
}

class Editor {
  #context;
  #updates;

  constructor(context, adapterPid, updates) {
    this.#context = context;
    this.adapterPid = adapterPid;
    this.#updates = updates;
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

  newSession(mcpServers = []) {
    return this.#context.request(methods.agent.session.new, { cwd: process.cwd(), mcpServers });
  }

  /** Sends a prompt; returns why the turn ended and the streamed pieces of text. */
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
}

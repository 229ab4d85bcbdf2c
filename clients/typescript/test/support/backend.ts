// The loopback backend, and a server that talks to it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { BYOKEY, newFolder } from "./places.js";
import { within } from "./wait.js";

/** The options for the server. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The values of `$name` in the steps of the client. */
  readonly names?: Record<string, unknown>;
}

/** A running `byokey dev-backend`. */
export class Backend {
  readonly #child: ChildProcess;
  /** `-c` arguments for a server with this backend. */
  readonly settings: readonly string[];

  readonly #address: string;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.#address = address;
    this.settings = [
      "-c",
      `chatgpt_base_url=${address}/backend-api`,
      "-c",
      `openai_base_url=${address}/v1`,
    ];
  }

  static async start(script: unknown): Promise<Backend> {
    const file = join(newFolder(), "script.json");
    writeFileSync(file, JSON.stringify(script));
    const child = spawn(BYOKEY ?? "byokey", ["dev-backend", "--script", file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(child.stdout)) {
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address !== undefined) return new Backend(child, address);
    }
    throw new Error("the backend did not start");
  }

  /** The server for this backend, with more settings, in which `$backend` is its address. */
  server(settings: readonly string[] = []): Program {
    const home = newFolder();
    return {
      command: BYOKEY ?? "byokey",
      args: [
        "app-server",
        ...this.settings,
        ...settings.flatMap((setting) => ["-c", setting.replace("$backend", this.#address)]),
      ],
      names: { backend: this.#address },
      environment: { ...process.env, HOME: home, CODEX_HOME: home },
    };
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await within(ended, "the end of the backend");
  }
}

// Fake servers of a few lines, for what the suite does not cover.

import { ByokeyClient, type CommonOptions, type SpawnOptions, type TokenProvider } from "@byokey/client";

import { close, within } from "./wait.js";

const PRELUDE = `
  const send = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
  const server = { userAgent: "fake", serverInfo: { name: "fake", version: "0", protocolVersion: "1" } };
  const handlers = { initialize: ({ id }) => send({ id, result: server }), initialized() {} };
  const log = (text) => process.stderr.write(text + "\\n");
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\\n");
    rest = lines.pop();
    for (const message of lines.map((line) => JSON.parse(line))) {
      (handlers[message.method ?? "answer"] ?? (() => {}))(message);
    }
  });
`;

/** Options of a test. */
export type FakeOptions = Partial<CommonOptions> & { readonly refreshTokens?: TokenProvider };

/**
 * Options for a fake server with this script. It may add to `handlers`, and use `send` and `log`.
 */
export function fake(script: string, options: FakeOptions = {}): SpawnOptions & { readonly refreshTokens: TokenProvider } {
  return {
    clientInfo: { name: "tests", version: "1.0.0" },
    refreshTokens: () => Promise.reject(new Error("nobody asks")),
    command: process.execPath,
    args: ["--eval", PRELUDE + script],
    ...options,
  };
}

/** Runs a function with such a server, and closes it. */
export async function withFake(
  script: string,
  act: (client: ByokeyClient) => Promise<void>,
  options: FakeOptions = {},
): Promise<void> {
  const client = await within(ByokeyClient.spawn(fake(script, options)), "the handshake");
  try {
    await within(act(client), "the end of the test");
  } finally {
    await close(client);
  }
}

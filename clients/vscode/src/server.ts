/** Starts the server with the extension's options. */

import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { ByokeyClient, type TokenProvider } from "@byokey/client";

import { settings } from "./settings.js";
import type { Traffic } from "./traffic.js";

/** A user may have to paste a new token, so the server's timeout is two minutes. */
const REFRESH_TIMEOUT_MS = 120_000;

/** Spawns `byokey app-server`; its log, and the traffic if it is traced, go to the output. */
export function spawnServer(
  context: vscode.ExtensionContext,
  traffic: Traffic,
  refreshTokens: TokenProvider,
): Promise<ByokeyClient> {
  const { arguments: further } = settings();
  const { version } = context.extension.packageJSON as { version: string };
  const command = program(context);
  return ByokeyClient.spawn({
    clientInfo: { name: "byokey-vscode", title: "byokey for VS Code", version },
    refreshTokens,
    ...(command === undefined ? {} : { command }),
    args: ["app-server", ...(traffic.isWatched ? ["--trace-protocol", "-"] : []), ...further],
    capabilities: { authRefreshTimeoutMs: REFRESH_TIMEOUT_MS, proactiveRefresh: true },
    onLog: (line) => traffic.add(line),
  });
}

/**
 * The setting takes precedence, then the environment, then the program bundled with the extension.
 */
function program(context: vscode.ExtensionContext): string | undefined {
  const bundled = context.asAbsolutePath(`bin/byokey${process.platform === "win32" ? ".exe" : ""}`);
  return settings().path ?? process.env["BYOKEY_BIN"] ?? (existsSync(bundled) ? bundled : undefined);
}

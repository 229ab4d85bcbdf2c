/** Starts the server with the extension's options. */

import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { ByokeyClient, type TokenProvider } from "@byokey/client";

import type { Way } from "./running.js";
import { settings } from "./settings.js";
import type { Traffic } from "./traffic.js";

/** A user may have to paste a new token, so the server's timeout is two minutes. */
const REFRESH_TIMEOUT_MS = 120_000;

/** Spawns `byokey app-server`; its log, and the traffic if it is traced, go to the output. */
export function spawnServer(
  context: vscode.ExtensionContext,
  traffic: Traffic,
  way: Way,
  refreshTokens: TokenProvider | undefined,
): Promise<ByokeyClient> {
  const { version } = context.extension.packageJSON as { version: string };
  const command = program(context);
  return ByokeyClient.spawn({
    clientInfo: { name: "byokey-vscode", title: "byokey for VS Code", version },
    ...(refreshTokens === undefined ? { serverOwnsLogin: true as const } : { refreshTokens }),
    ...(command === undefined ? {} : { command }),
    args: ["app-server", ...argumentsFor(way), ...(traffic.isWatched ? ["--trace-protocol", "-"] : []), ...settings().arguments],
    environment: environmentFor(way),
    capabilities: { authRefreshTimeoutMs: REFRESH_TIMEOUT_MS, proactiveRefresh: true },
    onLog: (line) => traffic.add(line),
  });
}

/** Tokens of this host stay in memory; a server holds one account for as long as it lives. */
function argumentsFor({ store }: Way): string[] {
  return ["--store", store ?? "ephemeral", "-c", 'refresh_account_policy="same"'];
}

/** Each login of the server has a folder of its own, so that one does not replace another. */
function environmentFor({ home }: Way): Readonly<Record<string, string>> {
  const { CODEX_ACCESS_TOKEN: _, ...environment } = process.env;
  return { ...(environment as Record<string, string>), ...(home === undefined ? {} : { BYOKEY_HOME: home }) };
}

/**
 * The setting takes precedence, then the environment, then the program bundled with the extension.
 */
function program(context: vscode.ExtensionContext): string | undefined {
  const bundled = context.asAbsolutePath(`bin/byokey${process.platform === "win32" ? ".exe" : ""}`);
  return settings().path ?? process.env["BYOKEY_BIN"] ?? (existsSync(bundled) ? bundled : undefined);
}

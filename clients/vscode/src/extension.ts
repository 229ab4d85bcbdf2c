/** Assembles the parts when VS Code starts the extension. */

import * as vscode from "vscode";

import { Accounts } from "./accounts.js";
import { registerCommands } from "./commands.js";
import { Notices } from "./notices.js";
import { Session } from "./session.js";
import { spawnServer } from "./server.js";
import { StatusBar } from "./statusBar.js";
import { tokensOf } from "./tokens.js";
import { Traffic } from "./traffic.js";

/** Settings that need a new server to take effect. */
const OF_THE_SERVER = ["byokey.path", "byokey.arguments"];

/** Starts the server, and logs in again with the stored account. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const accounts = new Accounts(context.secrets);
  const traffic = new Traffic();
  const statusBar = new StatusBar();
  const notices = new Notices();
  const session = new Session({
    spawn: (refreshTokens) => spawnServer(context, traffic, refreshTokens),
    tokensOf: (account) => tokensOf(account, accounts),
    onChange: (state) => {
      statusBar.show(state);
      notices.show(state);
    },
  });
  context.subscriptions.push(session, statusBar, traffic);
  registerCommands(context, { accounts, session, traffic });
  const onSettings = vscode.workspace.onDidChangeConfiguration((change) => {
    if (OF_THE_SERVER.some((setting) => change.affectsConfiguration(setting))) {
      void session.start();
    }
  });
  context.subscriptions.push(onSettings);

  const last = await accounts.current();
  if (last) {
    await session.signIn(last);
  } else {
    await session.start();
  }
}

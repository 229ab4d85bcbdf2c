/** Assembles the parts when VS Code starts the extension. */

import { rm } from "node:fs/promises";
import * as vscode from "vscode";

import { Accounts, type StoredAccount } from "./accounts.js";
import { FileBoard } from "./board.js";
import { registerCommands } from "./commands.js";
import { shareToken } from "./consent.js";
import { Notices, notify, notifySharing } from "./notices.js";
import { Provider } from "./provider.js";
import { spawnServer } from "./server.js";
import { Session } from "./session.js";
import { settings } from "./settings.js";
import { StatusBar } from "./statusBar.js";
import { strays } from "./strays.js";
import { Traffic } from "./traffic.js";
import { Ways } from "./ways.js";

/** Settings that need a new server to take effect. */
const OF_THE_SERVER = ["byokey.path", "byokey.arguments"];

/** Starts the server, and logs in again with the stored account. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const board = await FileBoard.open(vscode.Uri.joinPath(context.globalStorageUri, "accounts.json").fsPath);
  const accounts = new Accounts(context.secrets, board);
  const ways = new Ways(context, accounts);
  const traffic = new Traffic();
  const statusBar = new StatusBar();
  const notices = new Notices();
  const { provider, end } = Provider.register({
    account: (): StoredAccount | undefined => session.account,
    nameOf: (account) => accounts.nameOf(account),
    token: () => session.token(),
    signIn: () => vscode.commands.executeCommand("byokey.signIn"),
    signOut: () => session.signOut(),
    isShared: () => settings().shareSessions,
    mayShare: shareToken,
    onRefused: () => void notifySharing(),
  });
  const session = new Session({
    accounts,
    spawn: (way, refreshTokens) => spawnServer(context, traffic, way, refreshTokens),
    removeHome: (home) => rm(home, { recursive: true, force: true }),
    wayOf: (account) => ways.forStored(account),
    onChange: (state) => {
      statusBar.show(state);
      notices.show(state);
      provider.update();
    },
    onProblem: (problem) => void notify(problem),
  });
  context.subscriptions.push(session, statusBar, traffic, accounts, board, provider, end);
  registerCommands(context, { accounts, session, traffic, ways });
  const onSettings = vscode.workspace.onDidChangeConfiguration((change) => {
    if (OF_THE_SERVER.some((setting) => change.affectsConfiguration(setting))) {
      void session.restart();
    }
  });
  context.subscriptions.push(onSettings);
  await session.resume();
  for (const home of await strays(ways.folder, accounts, Date.now())) {
    await session.discard({ source: "server", home, store: settings().loginStore });
  }
}

/** The commands of the extension. */

import * as vscode from "vscode";

import type { Accounts } from "./accounts.js";
import { askForCommand } from "./menu.js";
import { notify } from "./notices.js";
import { problemOf } from "./problems.js";
import { askForLogin, askForStored } from "./prompts.js";
import type { Session } from "./session.js";
import type { Traffic } from "./traffic.js";
import type { Ways } from "./ways.js";

/** The dependencies of the commands. */
export interface Parts {
  readonly accounts: Accounts;
  readonly session: Session;
  readonly traffic: Traffic;
  readonly ways: Ways;
}

/** Registers the commands of `package.json`. */
export function registerCommands(context: vscode.ExtensionContext, parts: Parts): void {
  const { accounts, session, traffic, ways } = parts;
  const commands: Record<string, () => Promise<void>> = {
    "byokey.signIn": async () => {
      const login = await askForLogin();
      const way = login && (await ways.forNew(login));
      if (way !== undefined) await session.signIn(way);
    },
    "byokey.signOut": () => session.signOut(),
    "byokey.switchAccount": async () => {
      const account = await askForStored(await accounts.list(), session.account?.key);
      if (account === "another") await vscode.commands.executeCommand("byokey.signIn");
      else if (account !== undefined) await session.switchTo(account);
    },
    "byokey.readLimits": async () => {
      if (session.account === undefined) await vscode.commands.executeCommand("byokey.signIn");
      else await session.readLimits();
    },
    "byokey.restart": () => session.restart(),
    "byokey.menu": async () => {
      const command = await askForCommand(session.state, session.account && accounts.nameOf(session.account));
      if (command !== undefined) await vscode.commands.executeCommand(command);
    },
    "byokey.showTraffic": async () => {
      traffic.watch();
      await session.restart();
    },
    "byokey.chooseProgram": chooseProgram,
    "byokey.gettingStarted": async () => {
      const walkthrough = `${context.extension.id}#start`;
      await vscode.commands.executeCommand("workbench.action.openWalkthrough", walkthrough, false);
    },
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, () => reportFailure(run)));
  }
}

/** Asks for the program, and names it in the settings; the server follows them. */
async function chooseProgram(): Promise<void> {
  const [file] =
    (await vscode.window.showOpenDialog({ title: "Select the byokey program", openLabel: "Select", canSelectFiles: true })) ?? [];
  if (file === undefined) return;
  await vscode.workspace.getConfiguration("byokey").update("path", file.fsPath, vscode.ConfigurationTarget.Global);
}

/**
 * An uncaught error of a command is displayed with a trace; a sentence and a next step suffice.
 */
async function reportFailure(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    void notify(problemOf(error));
  }
}

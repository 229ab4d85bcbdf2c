/** The commands of the extension. */

import * as vscode from "vscode";

import type { Accounts } from "./accounts.js";
import { notify } from "./notices.js";
import { problemOf } from "./problems.js";
import { askForAccount, askForCommand, askForStored } from "./prompts.js";
import type { Session } from "./session.js";
import type { Traffic } from "./traffic.js";

/** The dependencies of the commands. */
export interface Parts {
  readonly accounts: Accounts;
  readonly session: Session;
  readonly traffic: Traffic;
}

/** Registers the commands of `package.json`. */
export function registerCommands(context: vscode.ExtensionContext, parts: Parts): void {
  const { accounts, session, traffic } = parts;
  const commands: Record<string, () => Promise<void>> = {
    "byokey.signIn": async () => {
      const account = await askForAccount();
      if (account !== undefined) {
        await accounts.use(account);
        await session.signIn(account);
      }
    },
    "byokey.signOut": async () => {
      const { label } = session;
      // Before it is displayed: a window that is closed right after that must not log in again.
      if (label !== undefined) {
        await accounts.forget(label);
      }
      await session.signOut();
    },
    "byokey.switchAccount": async () => {
      const account = await askForStored(await accounts.list(), session.label);
      if (account === "another") {
        await vscode.commands.executeCommand("byokey.signIn");
      } else if (account !== undefined) {
        await accounts.use(account);
        await session.signIn(account);
      }
    },
    "byokey.readLimits": async () => {
      if (session.label === undefined) {
        await vscode.commands.executeCommand("byokey.signIn");
      } else {
        await session.readLimits();
      }
    },
    "byokey.restart": () => session.start(),
    "byokey.menu": async () => {
      const command = await askForCommand(session.label);
      if (command !== undefined) {
        await vscode.commands.executeCommand(command);
      }
    },
    "byokey.showTraffic": async () => {
      traffic.watch();
      await session.start();
    },
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, () => reportFailure(run)));
  }
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

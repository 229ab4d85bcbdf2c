/** What the user is asked. */

import * as vscode from "vscode";

import type { Source, StoredAccount } from "./accounts.js";
import { settings } from "./settings.js";

interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

/** Asks how to sign in, and for what that takes. Nothing if the user gives up. */
export async function askForAccount(): Promise<StoredAccount | undefined> {
  const chosen = await vscode.window.showQuickPick(sources(), {
    title: "Sign in to ChatGPT",
    placeHolder: "Where do your tokens come from?",
  });
  switch (chosen?.value) {
    case undefined:
      return undefined;
    case "pasted":
      return await askForPasted();
    case "command":
      return { label: "token command", source: "command" };
    case "session":
      return { label: settings().authenticationProvider, source: "session" };
  }
}

/** Asks for a token. It is not shown while it is typed. */
export async function askForToken(prompt: string): Promise<string | undefined> {
  const token = await vscode.window.showInputBox({
    title: "ChatGPT access token",
    prompt,
    password: true,
    ignoreFocusOut: true,
    placeHolder: "A JSON Web Token",
  });
  return token?.trim() || undefined;
}

/** Asks which account to use from now on. */
export async function askForStored(
  accounts: readonly StoredAccount[],
): Promise<StoredAccount | undefined> {
  const choices = accounts.map((account) => ({ label: account.label, value: account }));
  const chosen = await vscode.window.showQuickPick(choices, { title: "Switch account" });
  return chosen?.value;
}

function sources(): Choice<Source>[] {
  const { tokenCommand, authenticationProvider } = settings();
  const choices: Choice<Source>[] = [
    { label: "Paste an access token", detail: "Kept in VS Code's secret storage.", value: "pasted" },
  ];
  if (tokenCommand.length > 0) {
    choices.push({
      label: "Run the token command",
      detail: "The setting byokey.tokenCommand. Nothing is kept.",
      value: "command",
    });
  }
  if (authenticationProvider !== "") {
    choices.push({
      label: `Use the VS Code account of ${authenticationProvider}`,
      detail: "VS Code keeps the session.",
      value: "session",
    });
  }
  return choices;
}

async function askForPasted(): Promise<StoredAccount | undefined> {
  const accessToken = await askForToken("It stays in VS Code's secret storage and in memory.");
  if (accessToken === undefined) {
    return undefined;
  }
  const chatgptAccountId = await vscode.window.showInputBox({
    title: "ChatGPT account",
    prompt: "The id of the workspace that the token is for.",
    ignoreFocusOut: true,
  });
  if (!chatgptAccountId) {
    return undefined;
  }
  return { label: chatgptAccountId, source: "pasted", accessToken, chatgptAccountId };
}

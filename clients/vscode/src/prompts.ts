/** Prompts for the user. */

import * as vscode from "vscode";

import type { Source, StoredAccount } from "./accounts.js";
import { settings } from "./settings.js";

interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

/** Asks how to log in, and for the required input. `undefined` if the user cancels. */
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

/** Prompts for a token, masked. */
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

/** Asks which account to use from now on: a stored one, or another. */
export async function askForStored(
  accounts: readonly StoredAccount[],
  current: string | undefined,
): Promise<StoredAccount | "another" | undefined> {
  const kept = accounts.map((account) => ({
    label: account.label,
    description: account.label === current ? "in use" : "",
    value: account,
  }));
  const another = { label: "$(add) Sign in with another account", value: "another" } as const;
  const title = "Switch account";
  const chosen = await vscode.window.showQuickPick<Choice<StoredAccount | "another">>(
    [...kept, another],
    { title },
  );
  return chosen?.value;
}

/** Asks what to do, and returns its command. */
export async function askForCommand(current: string | undefined): Promise<string | undefined> {
  const signedIn: Choice<string>[] = [
    { label: "$(refresh) Read limits again", value: "byokey.readLimits" },
    { label: "$(arrow-swap) Switch account", value: "byokey.switchAccount" },
    {
      label: "$(sign-out) Sign out",
      description: "the server and VS Code forget the account",
      value: "byokey.signOut",
    },
  ];
  const always: Choice<string>[] = [
    {
      label: "$(output) Show traffic",
      description: "what VS Code and the server say, without secrets",
      value: "byokey.showTraffic",
    },
    { label: "$(debug-restart) Restart server", value: "byokey.restart" },
  ];
  const signIn = { label: "$(sign-in) Sign in", value: "byokey.signIn" };
  const choices = current === undefined ? [signIn, ...always] : [...signedIn, ...always];
  const placeHolder = current === undefined ? "Not signed in" : `Signed in with ${current}`;
  const chosen = await vscode.window.showQuickPick(choices, { title: "byokey account", placeHolder });
  return chosen?.value;
}

function sources(): Choice<Source>[] {
  const { tokenCommand, authenticationProvider } = settings();
  const choices: Choice<Source>[] = [
    { label: "Paste an access token", detail: "Stored in VS Code's secret storage.", value: "pasted" },
  ];
  if (tokenCommand.length > 0) {
    choices.push({
      label: "Run the token command",
      detail: "The setting byokey.tokenCommand. Nothing is stored.",
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
    prompt: "The id of the workspace that the token is for. The one that the token names is filled in.",
    value: workspaceOf(accessToken),
    ignoreFocusOut: true,
  });
  if (!chatgptAccountId) {
    return undefined;
  }
  return { label: chatgptAccountId, source: "pasted", accessToken, chatgptAccountId };
}

/** The workspace in a token's claims; empty if there is none. Nothing else of it is read. */
function workspaceOf(accessToken: string): string {
  try {
    const [, payload = ""] = accessToken.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const auth = claims["https://api.openai.com/auth"] as Record<string, unknown> | undefined;
    const workspace = auth?.["chatgpt_account_id"];
    return typeof workspace === "string" ? workspace : "";
  } catch {
    return "";
  }
}

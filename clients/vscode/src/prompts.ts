/** Prompts for the user. */

import * as vscode from "vscode";

import type { Source, StoredAccount } from "./accounts.js";
import { claimsOf } from "./identity.js";
import { settings } from "./settings.js";
import type { NewLogin } from "./ways.js";

interface Choice<T> extends vscode.QuickPickItem {
  readonly value: T;
}

/** Asks how to log in, and for the required input. `undefined` if the user cancels. */
export async function askForLogin(): Promise<NewLogin | undefined> {
  const chosen = await vscode.window.showQuickPick(sources(), {
    title: "Sign in to ChatGPT",
    placeHolder: "How do you want to sign in?",
  });
  if (chosen === undefined) return undefined;
  return chosen.value === "pasted" ? await askForPasted() : { source: chosen.value };
}

/** Prompts for a token, masked. `signal` ends the prompt. */
export async function askForToken(prompt: string, signal?: AbortSignal): Promise<string | undefined> {
  const end = new vscode.CancellationTokenSource();
  const stop = (): void => end.cancel();
  if (signal?.aborted) return undefined;
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const options = {
      title: "ChatGPT access token",
      prompt,
      password: true,
      ignoreFocusOut: true,
      placeHolder: "A JSON Web Token",
    };
    return (await vscode.window.showInputBox(options, end.token))?.trim() || undefined;
  } finally {
    signal?.removeEventListener("abort", stop);
    end.dispose();
  }
}

/** Asks which account to use from now on: a stored one, or another. */
export async function askForStored(
  accounts: readonly StoredAccount[],
  current: string | undefined,
): Promise<StoredAccount | "another" | undefined> {
  const stored = accounts.map((account) => ({
    label: account.label,
    description: account.key === current ? "in use" : "",
    detail: [sourceName(account.source), account.workspace && `workspace ${account.workspace}`].filter(Boolean).join(", "),
    value: account,
  }));
  const another = { label: "$(add) Sign in with another account", value: "another" } as const;
  const title = "Switch account";
  const chosen = await vscode.window.showQuickPick<Choice<StoredAccount | "another">>(
    [...stored, another],
    { title, placeHolder: "Which account do you want to use?" },
  );
  return chosen?.value;
}

function sourceName(source: Source): string {
  switch (source) {
    case "pasted":
      return "pasted token";
    case "command":
      return "token command";
    case "session":
      return "VS Code session";
    case "server":
      return "byokey login";
  }
}

/** The ways that need no setting first: those of most users. */
function sources(): Choice<NewLogin["source"]>[] {
  const { tokenCommand, authenticationProvider, loginStore } = settings();
  const place = { keyring: "the system's keyring", file: "a file for you alone", auto: "the system's keyring, or a file for you alone" };
  const browser = {
    label: "$(globe) Sign in with the browser",
    detail: `byokey renews this login, and stores it in ${place[loginStore]}.`,
    value: "browser",
  } as const;
  const device = {
    label: "$(device-mobile) Sign in with a code",
    detail: "For a browser on another machine. Stored like a login with the browser.",
    value: "device",
  } as const;
  // The browser of a remote is on another machine.
  const own = vscode.env.remoteName === undefined ? [browser, device] : [device, browser];
  const choices: Choice<NewLogin["source"]>[] = [
    ...own,
    { label: "$(key) Paste an access token", detail: "Stored in VS Code's secret storage.", value: "pasted" },
  ];
  if (tokenCommand.length > 0) {
    choices.push({
      label: "$(terminal) Run the token command",
      detail: "The setting byokey.tokenCommand. No token is stored.",
      value: "command",
    });
  }
  if (authenticationProvider !== "") {
    choices.push({
      label: `$(account) Use the VS Code account of ${authenticationProvider}`,
      detail: "VS Code keeps the session.",
      value: "session",
    });
  }
  return choices;
}

async function askForPasted(): Promise<NewLogin | undefined> {
  const accessToken = await askForToken("It stays in VS Code's secret storage and in memory.");
  if (accessToken === undefined) return undefined;
  const workspace = await vscode.window.showInputBox({
    title: "ChatGPT account",
    prompt: "The id of the workspace that the token is for. The one that the token names is filled in.",
    value: claimsOf(accessToken).workspace ?? "",
    ignoreFocusOut: true,
  });
  return workspace ? { source: "pasted", accessToken, workspace } : undefined;
}

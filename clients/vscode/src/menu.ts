/** The menu behind the status bar. */

import * as vscode from "vscode";

import { bar, sentence, windowsOf } from "./limits.js";
import type { State } from "./session.js";

interface Choice extends vscode.QuickPickItem {
  readonly command?: string;
}

/** Asks what to do, and returns its command. */
export async function askForCommand(state: State, label: string | undefined): Promise<string | undefined> {
  const always: Choice[] = [
    {
      label: "$(output) Show traffic",
      description: "what VS Code and the server say, without secrets",
      command: "byokey.showTraffic",
    },
    { label: "$(sync) Restart server", command: "byokey.restart" },
    { label: "$(question) Getting started", command: "byokey.gettingStarted" },
  ];
  const signIn = { label: "$(sign-in) Sign in", command: "byokey.signIn" };
  const choices = label === undefined ? [signIn, ...always] : [...limits(state), ...signedIn(), ...always];
  const placeHolder = label === undefined ? "Not signed in" : `Signed in as ${label}`;
  const chosen = await vscode.window.showQuickPick(choices, { title: "byokey account", placeHolder });
  return chosen?.command;
}

function limits(state: State): Choice[] {
  if (state.kind !== "signedIn") return [];
  return windowsOf(state.limits).map((window) => ({
    label: bar(window.usedPercent, 10),
    description: sentence(window, Date.now()),
    command: "byokey.readLimits",
  }));
}

function signedIn(): Choice[] {
  return [
    { label: "$(refresh) Read limits again", command: "byokey.readLimits" },
    { label: "$(arrow-swap) Switch account", command: "byokey.switchAccount" },
    {
      label: "$(sign-out) Sign out",
      description: "in all windows; the server and VS Code forget the account",
      command: "byokey.signOut",
    },
  ];
}

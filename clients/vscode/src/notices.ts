/** Failures as notifications, with their remedies as buttons. */

import * as vscode from "vscode";

import type { Problem, Remedy } from "./problems.js";
import type { State } from "./session.js";

interface Action {
  readonly title: string;
  readonly command: string;
  readonly argument?: unknown;
}

const TRAFFIC: Action = { title: "Show Traffic", command: "byokey.showTraffic" };
const HOW: Action = { title: "Show Me How", command: "byokey.gettingStarted" };
const REMEDIES: Readonly<Record<Remedy, readonly Action[]>> = {
  chooseProgram: [{ title: "Select Program", command: "byokey.chooseProgram" }, HOW],
  restart: [{ title: "Restart Server", command: "byokey.restart" }, TRAFFIC],
  signIn: [{ title: "Sign In", command: "byokey.signIn" }, TRAFFIC],
  reload: [{ title: "Reload Window", command: "workbench.action.reloadWindow" }],
};

/** Shows a failure once, until the state changes. */
export class Notices {
  #shown: string | undefined;

  /** Handles the next state; one without a failure shows nothing. */
  show(state: State): void {
    if (state.kind === "failed" && state.problem !== this.#shown) {
      void notify(state);
    }
    this.#shown = state.kind === "failed" ? state.problem : undefined;
  }
}

/** Shows a failure, and runs the chosen remedy. */
export async function notify({ problem, remedy }: Problem): Promise<void> {
  await offer(`byokey: ${problem}`, REMEDIES[remedy]);
}

async function offer(text: string, actions: readonly Action[]): Promise<void> {
  const titles = actions.map(({ title }) => title);
  const chosen = await vscode.window.showErrorMessage(text, ...titles);
  const action = actions.find(({ title }) => title === chosen);
  if (action !== undefined) {
    const { command, argument } = action;
    await vscode.commands.executeCommand(command, ...(argument === undefined ? [] : [argument]));
  }
}

/** Says why another extension got no token, and offers to change it. */
export async function notifySharing(): Promise<void> {
  const argument = "byokey.shareSessions";
  await offer(
    "byokey: another extension asked for your ChatGPT access token. It got none, because the setting byokey.shareSessions is off.",
    [{ title: "Open Settings", command: "workbench.action.openSettings", argument }],
  );
}

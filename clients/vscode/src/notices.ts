/** Failures as notifications, with their remedies as buttons. */

import * as vscode from "vscode";

import type { Problem, Remedy } from "./problems.js";
import type { State } from "./session.js";

interface Action {
  readonly title: string;
  readonly command: string;
  readonly argument?: string;
}

const REMEDIES: Readonly<Record<Remedy, Action>> = {
  chooseProgram: {
    title: "Open Settings",
    command: "workbench.action.openSettings",
    argument: "byokey.path",
  },
  restart: { title: "Restart Server", command: "byokey.restart" },
  signIn: { title: "Sign In", command: "byokey.signIn" },
};
const TRAFFIC: Action = { title: "Show Traffic", command: "byokey.showTraffic" };

/** Shows a failure once, until the state changes. */
export class Notices {
  #told: string | undefined;

  /** Handles the next state; one without a failure shows nothing. */
  show(state: State): void {
    if (state.kind === "failed" && state.problem !== this.#told) {
      void notify(state);
    }
    this.#told = state.kind === "failed" ? state.problem : undefined;
  }
}

/** Shows a failure, and runs the chosen remedy. */
export async function notify({ problem, remedy }: Problem): Promise<void> {
  const actions = [REMEDIES[remedy], TRAFFIC];
  const titles = actions.map(({ title }) => title);
  const chosen = await vscode.window.showErrorMessage(`byokey: ${problem}`, ...titles);
  const action = actions.find(({ title }) => title === chosen);
  if (action !== undefined) {
    const { command, argument } = action;
    await vscode.commands.executeCommand(command, ...(argument === undefined ? [] : [argument]));
  }
}

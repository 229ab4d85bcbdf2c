/** Failures as notifications, with what can be done about them as buttons. */

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

/** Tells a failure once, until something else is the case. */
export class Notices {
  #told: string | undefined;

  /** Takes the next state; one that is no failure says nothing. */
  show(state: State): void {
    if (state.kind === "failed" && state.problem !== this.#told) {
      void notify(state);
    }
    this.#told = state.kind === "failed" ? state.problem : undefined;
  }
}

/** Shows a failure, and does what the user chooses. */
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

/** The item in the status bar: the account, the plan, and the used part of the limits. */

import * as vscode from "vscode";

import type { State } from "./session.js";
import { shown } from "./shown.js";

/** Shows a session's state. */
export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem(
    "byokey.account",
    vscode.StatusBarAlignment.Right,
    100,
  );

  constructor() {
    this.#item.name = "byokey account";
    this.show({ kind: "starting" });
    this.#item.show();
  }

  /** Shows this state. */
  show(state: State): void {
    const { text, spoken, tooltip, command, isWarning } = shown(state, Date.now());
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.command = command;
    this.#item.accessibilityInformation = { label: spoken };
    this.#item.backgroundColor = isWarning
      ? new vscode.ThemeColor("statusBarItem.warningBackground")
      : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}

/** The item in the status bar: the account, the plan, and the used part of the limits. */

import * as vscode from "vscode";
import type { RateLimitWindow } from "@byokey/client";

import type { State } from "./session.js";

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
    const { text, tooltip, command, isWarning } = shown(state);
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.command = command;
    this.#item.backgroundColor = isWarning
      ? new vscode.ThemeColor("statusBarItem.warningBackground")
      : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}

interface Shown {
  readonly text: string;
  readonly tooltip: string;
  readonly command: string;
  readonly isWarning?: boolean;
}

function shown(state: State): Shown {
  switch (state.kind) {
    case "starting":
      return {
        text: "$(sync~spin) byokey",
        tooltip: "byokey starts or signs in. Click for more.",
        command: "byokey.menu",
      };
    case "signedOut":
      return {
        text: "$(account) byokey: signed out",
        tooltip: "Click to sign in to ChatGPT.",
        command: "byokey.signIn",
      };
    case "failed":
      return {
        text: "$(warning) byokey: failed",
        tooltip: `${state.problem}\nClick for what can be done.`,
        command: "byokey.menu",
        isWarning: true,
      };
    case "signedIn": {
      const { email, plan, limits } = state;
      const who = `${email ?? "ChatGPT"} (${plan ?? "unknown plan"})`;
      const windows = [limits?.primary, limits?.secondary].filter((window) => window != null);
      const used = windows.map((window) => `${Math.round(window.usedPercent)} %`).join(" · ");
      return {
        text: `$(account) ${who}${used && ` ${used} used`}`,
        tooltip: [who, ...windows.map(sentence), "Click for limits, accounts and sign-out."].join("\n"),
        command: "byokey.menu",
      };
    }
  }
}

function sentence({ usedPercent, windowDurationMins, resetsAt }: RateLimitWindow): string {
  const span = windowDurationMins ? ` of ${duration(windowDurationMins)}` : "";
  const reset = resetsAt ? `, until ${new Date(resetsAt * 1000).toLocaleString()}` : "";
  return `${Math.round(usedPercent)} %${span} used${reset}`;
}

function duration(minutes: number): string {
  const [count, unit] = minutes >= 2_880 ? [minutes / 1_440, "days"] : [minutes / 60, "hours"];
  return `${Math.round(count)} ${unit}`;
}

/** The words of the status bar: the account, the plan, and the used part of the limits. */

import { bar, sentence, windowsOf } from "./limits.js";
import type { State } from "./session.js";

/** From here on a limit is shown as a warning. */
const NEARLY_USED_UP = 90;

/** What the status bar shows. */
export interface Shown {
  readonly text: string;
  /** For screen readers, which would spell out a bar. */
  readonly spoken: string;
  readonly tooltip?: string;
  readonly command: string;
  readonly isWarning?: boolean;
}

/** Words a state for the status bar. */
export function shown(state: State, now: number): Shown {
  switch (state.kind) {
    case "starting":
      return {
        text: "$(sync~spin) byokey",
        spoken: "byokey starts or signs in",
        // None: it would cover the buttons of the notification above it.
        command: "byokey.menu",
      };
    case "signedOut":
      return {
        text: "$(account) byokey: signed out",
        spoken: "byokey: signed out",
        tooltip: "Click to sign in to ChatGPT.",
        command: "byokey.signIn",
      };
    case "failed":
      return {
        text: "$(warning) byokey: failed",
        spoken: `byokey: failed. ${state.problem}`,
        tooltip: `${state.problem}\nClick for what can be done.`,
        command: "byokey.menu",
        isWarning: true,
      };
    case "signedIn": {
      const { email, plan, limits } = state;
      const who = `${email ?? "ChatGPT"} (${plan ?? "unknown plan"})`;
      const windows = windowsOf(limits);
      const most = Math.max(0, ...windows.map(({ usedPercent }) => usedPercent));
      const used = windows.map(({ usedPercent }) => `${bar(usedPercent, 5)} ${Math.round(usedPercent)} %`);
      const lines = windows.map((window) => `${bar(window.usedPercent, 10)} ${sentence(window, now)}`);
      return {
        text: [`$(account) ${who}`, ...used].join("  "),
        spoken: [`byokey: ${who}`, ...windows.map((window) => sentence(window, now))].join(", "),
        tooltip: [who, ...lines, "Click for limits, accounts and sign-out."].join("\n"),
        command: "byokey.menu",
        isWarning: most >= NEARLY_USED_UP,
      };
    }
  }
}

/** Consent of the user before a token goes where VS Code did not keep it. */

import { hostname } from "node:os";
import * as vscode from "vscode";

const REMOTES = "byokey.remotesWithTokens";
const HAND_OVER = "Hand Over";


/**
 * Whether a stored token may go to the program of this window. On this machine it may. A remote or
 * a container is asked about once.
 */
export async function handOver(context: vscode.ExtensionContext, what: string): Promise<boolean> {
  // A server in the browser has an address as its name; its port is another one each time.
  const remoteName = vscode.env.remoteName?.replace(/:\d+$/, "");
  if (remoteName === undefined) return true;
  const place = `${remoteName}/${hostname()}`;
  const agreed = context.globalState.get<readonly string[]>(REMOTES, []);
  if (agreed.includes(place)) return true;
  const chosen = await vscode.window.showWarningMessage(
    `Hand ${what} to the byokey program on ${hostname()}?`,
    {
      modal: true,
      detail:
        `This window runs on another machine or in a container (${remoteName}). VS Code keeps the token on yours. ` +
        "The byokey program there needs it in its memory, where an administrator of that machine can read it. " +
        "You are asked once for each machine.",
    },
    HAND_OVER,
  );
  if (chosen !== HAND_OVER) return false;
  await context.globalState.update(REMOTES, [...agreed, place]);
  return true;
}

/** Whether other extensions may get the access token of this account. */
export async function shareToken(label: string): Promise<boolean> {
  const chosen = await vscode.window.showWarningMessage(
    `Hand the access token of ${label} to other extensions?`,
    {
      modal: true,
      detail:
        "Another extension asks for a session of byokey. It gets the access token itself, not only your name: until the " +
        "token expires it can use your ChatGPT account as you can, and nothing shows what it does with it. " +
        "From now on every extension that you allow to use this account gets the token, until you sign out or turn off " +
        "byokey.shareSessions.",
    },
    HAND_OVER,
  );
  return chosen === HAND_OVER;
}

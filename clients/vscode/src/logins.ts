/** Logins that the server runs: in the browser, and with a code on any device. */

import * as vscode from "vscode";
import type { DeviceCode } from "@byokey/client";

import { CancelledError } from "./problems.js";
import type { Client } from "./running.js";

/** Opens the browser, and waits until the user is done there. */
export async function browserLogin(client: Client, signal: AbortSignal): Promise<unknown> {
  return await waiting("byokey: continue in the browser. This waits until you have signed in there.", signal, (ended) =>
    client.loginInBrowser(openPage, { signal: ended }),
  );
}

/** Shows the code, and waits until the user has entered it. */
export async function deviceLogin(client: Client, signal: AbortSignal): Promise<unknown> {
  let prompt: vscode.Disposable | undefined;
  const title = "byokey";
  try {
    return await waiting(title, signal, (ended, report) =>
      client.loginWithDeviceCode(
        (code) => {
          report(`enter ${code.userCode} at ${code.verificationUrl}`);
          prompt = showCode(code);
        },
        { signal: ended },
      ),
    );
  } finally {
    prompt?.dispose();
  }
}

/** Offers to copy the code and to open the page. The notification goes on showing both. */
function showCode({ userCode, verificationUrl }: DeviceCode): vscode.Disposable {
  const pick = vscode.window.createQuickPick();
  pick.title = `Your code is ${userCode}`;
  pick.placeholder = "Enter it on this or any other device. Never enter a code that another person sent you.";
  pick.ignoreFocusOut = true;
  pick.items = [{ label: "$(link-external) Copy the code and open the page", detail: verificationUrl }];
  pick.onDidAccept(() => {
    pick.hide();
    void vscode.env.clipboard.writeText(userCode).then(() => vscode.env.openExternal(vscode.Uri.parse(verificationUrl)));
  });
  pick.show();
  return pick;
}

/**
 * Opens the page of the login. In a remote, the port that the browser is sent back to is forwarded
 * first; where that is not possible, the login with a code is.
 */
async function openPage(authUrl: string): Promise<void> {
  const redirect = new URL(authUrl).searchParams.get("redirect_uri");
  if (vscode.env.remoteName !== undefined && redirect !== null) {
    await vscode.env.asExternalUri(vscode.Uri.parse(new URL(redirect).origin)).then(undefined, () => undefined);
  }
  await vscode.env.openExternal(vscode.Uri.parse(authUrl, true));
}

/** Shows a notification, whose Cancel ends the login. */
async function waiting<T>(
  title: string,
  signal: AbortSignal,
  run: (signal: AbortSignal, report: (message: string) => void) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return await vscode.window.withProgress(options, async (progress, token) => {
    const cancelled = new AbortController();
    token.onCancellationRequested(() => cancelled.abort(new CancelledError()));
    return await run(AbortSignal.any([signal, cancelled.signal]), (message) => progress.report({ message }));
  });
}

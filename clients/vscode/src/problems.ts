/** The remedies of a failure. */

import { ConnectionClosedError, RequestError, ServerNotFoundError, StartTimeoutError } from "@byokey/client";

/** The next step. */
export type Remedy = "chooseProgram" | "restart" | "signIn" | "reload";

/** A failure, worded for the user. */
export interface Problem {
  readonly problem: string;
  readonly remedy: Remedy;
}

/** The user ended a login. That is not a failure. */
export class CancelledError extends Error {
  constructor() {
    super("The sign-in was cancelled.");
  }
}

/** The token is in the secret storage of another window alone, as in a browser. */
export class NeededElsewhereError extends Error {
  constructor(label: string) {
    super(`${label} was signed in in another window, and this one cannot read its token yet. Reload the window, or sign in here.`);
  }
}

/**
 * Common failures in the user's words. The client's texts are for developers, with methods and
 * codes.
 */
const SENTENCES: Readonly<Record<string, string>> = {
  invalidToken: "The token cannot be used. Sign in with a new one.",
  workspaceMismatch: "The token is of another account or workspace, or of one that is not allowed here.",
  loginDisabled: "The configuration of byokey forbids this kind of login.",
  loginFailed: "The sign-in was not completed. Sign in again.",
  portUnavailable: "The sign-in in the browser needs port 1455 or 1457 of this machine, and both are taken. Sign in with a code.",
  storeFailed: "The login cannot be stored. See the setting byokey.loginStore: the keyring may be locked or missing.",
  reauthRequired: "ChatGPT refused the login, and it cannot be renewed. Sign in again.",
  hostRefused: "ChatGPT refused the token, and no new one was supplied. Sign in again.",
  hostTimeout: "ChatGPT refused the token, and a new one took too long. Sign in again.",
  hostAnswerInvalid: "The new token is of another account. Sign in again.",
  retryable: "ChatGPT cannot be reached just now. Try again later.",
  unreachable: "ChatGPT cannot be reached. Check the network and the proxy settings.",
};

/** Describes any failure. */
export function problemOf(error: unknown): Problem {
  return { problem: sentenceOf(error), remedy: remedyFor(error) };
}

function sentenceOf(error: unknown): string {
  if (error instanceof ServerNotFoundError) return missingProgram(error);
  if (error instanceof StartTimeoutError) return `The program ${error.command ?? "byokey"} starts and does not answer. Is it byokey?`;
  const kind = error instanceof RequestError ? error.kind : undefined;
  const known = kind !== undefined && Object.hasOwn(SENTENCES, kind) ? SENTENCES[kind] : undefined;
  return known ?? (error instanceof Error ? error.message : "Something went wrong.");
}

/** The program was not found, or it is another one of that name. */
function missingProgram({ command, searched }: ServerNotFoundError): string {
  if (command !== undefined) {
    return `${command} is not the byokey program that this extension needs, or cannot be started. Select the right one.`;
  }
  const named = searched.find((place) => place.startsWith("the option"));
  return named === undefined
    ? "The byokey program is not on this machine, and this package of the extension does not contain it. Install it, or select it."
    : `The setting byokey.path names a program that is not there ${/\(.*\)/.exec(named)?.[0] ?? ""}. Select another one.`;
}

function remedyFor(error: unknown): Remedy {
  if (error instanceof ServerNotFoundError || error instanceof StartTimeoutError) return "chooseProgram";
  if (error instanceof NeededElsewhereError) return "reload";
  return error instanceof ConnectionClosedError ? "restart" : "signIn";
}

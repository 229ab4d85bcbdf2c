/** The remedies of a failure. */

import { ConnectionClosedError, RequestError, ServerNotFoundError, StartTimeoutError } from "@byokey/client";

/** The next step: select another program, restart the server, or log in again. */
export type Remedy = "chooseProgram" | "restart" | "signIn";

/** A failure, worded for the user. */
export interface Problem {
  readonly problem: string;
  readonly remedy: Remedy;
}

/**
 * Common failures in the user's words. The client's texts are for developers, with methods and
 * codes.
 */
const SENTENCES: Readonly<Record<string, string>> = {
  invalidToken: "The token cannot be used. Sign in with a new one.",
  workspaceMismatch: "The token is for another workspace, or for one that is not allowed here.",
  loginDisabled: "The configuration of byokey forbids this kind of login.",
  reauthRequired: "ChatGPT refused the login, and it cannot be renewed. Sign in again.",
  hostRefused: "ChatGPT refused the token, and no new one was supplied. Sign in again.",
  hostTimeout: "ChatGPT refused the token, and a new one took too long. Sign in again.",
  retryable: "ChatGPT cannot be reached just now. Try again later.",
};

/** Describes any failure. */
export function problemOf(error: unknown): Problem {
  const kind = error instanceof RequestError ? error.kind : undefined;
  const message = error instanceof Error ? error.message : "something went wrong";
  const known = kind !== undefined && Object.hasOwn(SENTENCES, kind) ? SENTENCES[kind] : undefined;
  return { problem: known ?? message, remedy: remedyFor(error) };
}

function remedyFor(error: unknown): Remedy {
  if (error instanceof ServerNotFoundError || error instanceof StartTimeoutError) {
    return "chooseProgram";
  }
  return error instanceof ConnectionClosedError ? "restart" : "signIn";
}

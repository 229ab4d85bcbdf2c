/** What the user can do about a failure. */

import { ConnectionClosedError, ServerNotFoundError, StartTimeoutError } from "@byokey/client";

/** The next step: choose another program, start the server again, or sign in again. */
export type Remedy = "chooseProgram" | "restart" | "signIn";

/** A failure, told to the user. */
export interface Problem {
  readonly problem: string;
  readonly remedy: Remedy;
}

/** Tells a failure, whatever it is. */
export function problemOf(error: unknown): Problem {
  const problem = error instanceof Error ? error.message : "something went wrong";
  return { problem, remedy: remedyFor(error) };
}

function remedyFor(error: unknown): Remedy {
  if (error instanceof ServerNotFoundError || error instanceof StartTimeoutError) {
    return "chooseProgram";
  }
  return error instanceof ConnectionClosedError ? "restart" : "signIn";
}

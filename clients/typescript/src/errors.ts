// The errors of this package. Their texts are its own. The text of `byokey` about an error is
// added, redacted; text of other programs is never part of them.

import { adviceFor } from "./generated/error-kinds.js";
import type { Turn } from "./generated/types.js";
import type { ExitStatus, Launched } from "./transport.js";

/** The base of all errors of this package. */
export class ByokeyError extends Error {
  static {
    this.prototype.name = "ByokeyError";
  }
}

/** The server's error response to a request. */
export interface Refusal {
  readonly method: string;
  readonly code: number;
  readonly kind?: string | undefined;
  readonly path?: string | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  /** The server's text, redacted. */
  readonly serverMessage?: string | undefined;
}

/** The server answered a request with an error. */
export class RequestError extends ByokeyError {
  /** The called method. */
  readonly method: string;
  /** The code of JSON-RPC. */
  readonly code: number;
  /** The error kind. The list grows. */
  readonly kind: string | undefined;
  /** The path of the invalid parameter. */
  readonly path: string | undefined;
  /** The HTTP status of the backend. */
  readonly status: number | undefined;
  /** The backend's request id. */
  readonly requestId: string | undefined;
  /** The text of `byokey` about it, redacted, for users; that of other servers is dropped. */
  readonly serverMessage: string | undefined;

  static {
    this.prototype.name = "RequestError";
  }

  constructor(refusal: Refusal) {
    super(textOf(refusal));
    this.method = refusal.method;
    this.code = refusal.code;
    this.kind = refusal.kind;
    this.path = refusal.path;
    this.status = refusal.status;
    this.requestId = refusal.requestId;
    this.serverMessage = refusal.serverMessage;
  }
}

/** A login is needed. */
export class SignInRequiredError extends RequestError {
  static {
    this.prototype.name = "SignInRequiredError";
  }
}

/** No new tokens could be obtained: the token provider failed, or timed out. */
export class RefreshFailedError extends RequestError {
  static {
    this.prototype.name = "RefreshFailedError";
  }
}

/** The login or logout was refused. */
export class LoginError extends RequestError {
  static {
    this.prototype.name = "LoginError";
  }
}

/** The backend failed. */
export class BackendError extends RequestError {
  static {
    this.prototype.name = "BackendError";
  }

  /** Whether the same call may succeed later. */
  get isRetryable(): boolean {
    return this.kind === "retryable";
  }
}

/** The request itself is invalid. */
export class InvalidRequestError extends RequestError {
  static {
    this.prototype.name = "InvalidRequestError";
  }
}

/** A turn ended without an answer. */
export class TurnFailedError extends ByokeyError {
  readonly threadId: string;
  /** The turn as it ended. */
  readonly turn: Turn;
  /** The kind of the error, or codex's word for it. */
  readonly kind: string | undefined;

  static {
    this.prototype.name = "TurnFailedError";
  }

  constructor(threadId: string, turn: Turn, serverMessage: string | undefined) {
    const { codexErrorInfo, kind } = turn.error ?? {};
    const word = kind ?? (typeof codexErrorInfo === "string" ? codexErrorInfo : Object.keys(codexErrorInfo ?? {})[0]);
    const known = word !== undefined && /^[A-Za-z]{1,40}$/.test(word) ? word : undefined;
    const how = turn.status === "interrupted" ? "was interrupted" : "failed";
    super(
      [
        `The turn ${how}${known === undefined ? "" : ` (${known})`}.`,
        serverMessage && sentence(serverMessage),
        adviceFor(known),
      ]
        .filter((part) => part !== undefined && part !== "")
        .join(" "),
    );
    this.threadId = threadId;
    this.turn = turn;
    this.kind = known;
  }
}

/** An error that names its program. It contains no secret. */
abstract class ProgramError extends ByokeyError {
  /** The path of the program. */
  readonly command: string | undefined;
  /** Its arguments; values of settings are omitted. */
  readonly args: readonly string[];
  /** The last lines of its standard error, the latest last. */
  readonly lastLog: readonly string[];

  constructor(text: string, launched: Launched | undefined) {
    super(text + logOf(launched));
    this.command = launched?.command;
    this.args = launched?.args ?? [];
    this.lastLog = launched?.lastLog ?? [];
  }
}

/** The server is gone. */
export class ConnectionClosedError extends ProgramError {
  /** The exit status of the server's process, if known. */
  readonly exit: ExitStatus | undefined;
  /** Whether this client was closed, rather than the server gone by itself. */
  readonly closedHere: boolean;

  static {
    this.prototype.name = "ConnectionClosedError";
  }

  constructor(exit: ExitStatus | undefined, closedHere: boolean, launched?: LaunchedLike) {
    const what = launchedOf(launched);
    super(
      closedHere
        ? "This client was closed. Spawn a new one."
        : `The server ${endOf(exit)}${lineOf(what)}. Spawn it again, or have a \`Supervisor\` do that.`,
      closedHere && what !== undefined ? { ...what, lastLog: [] } : what,
    );
    this.exit = exit;
    this.closedHere = closedHere;
  }
}

/** The program cannot be started, or is another one of the same name. */
export class ServerNotFoundError extends ProgramError {
  /** Where it was searched for, in this order. */
  readonly searched: readonly string[];

  static {
    this.prototype.name = "ServerNotFoundError";
  }

  constructor(searched: readonly string[], problem: string, launched?: LaunchedLike) {
    const what = launchedOf(launched);
    super(
      `The byokey program ${problem}${lineOf(what)}. Install it, or name it with the option \`command\` or in ` +
        `BYOKEY_BIN. Looked for: ${searched.join("; ")}.`,
      what,
    );
    this.searched = searched;
  }
}

/** The program started, but did not answer the handshake in time. It was ended. */
export class StartTimeoutError extends ProgramError {
  static {
    this.prototype.name = "StartTimeoutError";
  }

  constructor(milliseconds: number, launched?: LaunchedLike) {
    const what = launchedOf(launched);
    super(
      `The program did not answer \`initialize\` within ${milliseconds} ms and was ended${lineOf(what)}. See that ` +
        "`command` and `args` start `byokey app-server`; `startTimeoutMs` gives it more time.",
      what,
    );
  }
}

/** A token provider failed, timed out, or returned something other than tokens. */
export class TokenProviderError extends ByokeyError {
  static {
    this.prototype.name = "TokenProviderError";
  }
}

function textOf({ method, code, kind, path, status, requestId, serverMessage }: Refusal): string {
  const facts = [
    `code ${code}`,
    kind === undefined ? undefined : `kind ${kind}`,
    path === undefined ? undefined : `at \`${path}\``,
    status === undefined ? undefined : `HTTP status ${status}`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ].filter((fact) => fact !== undefined);
  const said = serverMessage === undefined ? "" : ` ${sentence(serverMessage)}`;
  return `\`${method}\` failed (${facts.join(", ")}).${said} ${adviceFor(kind)}`;
}

/** The program that was started, or an error that names it. */
type LaunchedLike = Omit<Launched, "command"> & { readonly command: string | undefined };

function launchedOf(like: LaunchedLike | undefined): Launched | undefined {
  if (like?.command === undefined) return undefined;
  return { command: like.command, args: like.args, lastLog: like.lastLog };
}

function lineOf(launched: Launched | undefined): string {
  return launched === undefined ? "" : ` (\`${[launched.command, ...launched.args].join(" ")}\`)`;
}

function logOf(launched: Launched | undefined): string {
  if (launched === undefined || launched.lastLog.length === 0) return "";
  return ` The end of its log:\n${launched.lastLog.map((line) => `  ${line}`).join("\n")}`;
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

function endOf(exit: ExitStatus | undefined): string {
  if (exit?.signal != null) return `was ended by ${exit.signal}`;
  if (exit?.code != null) return `ended with status ${exit.code}`;
  return "is gone";
}

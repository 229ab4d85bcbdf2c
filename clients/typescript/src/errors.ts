// The errors of this package. Their texts are its own: text of the server is never part of them.

import { hintFor } from "./hints.js";
import type { ExitStatus } from "./transport.js";

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

/** The server is gone. */
export class ConnectionClosedError extends ByokeyError {
  /** The exit status of the server's process, if known. */
  readonly exit: ExitStatus | undefined;
  /** Whether this client was closed, rather than the server gone by itself. */
  readonly closedHere: boolean;

  static {
    this.prototype.name = "ConnectionClosedError";
  }

  constructor(exit: ExitStatus | undefined, closedHere: boolean) {
    super(
      closedHere
        ? "This client was closed. Spawn a new one."
        : `The server ${endOf(exit)}. Spawn it again; \`onLog\` is given what it writes to standard error.`,
    );
    this.exit = exit;
    this.closedHere = closedHere;
  }
}

/** The program cannot be started. */
export class ServerNotFoundError extends ByokeyError {
  /** Where it was searched for, in this order. */
  readonly searched: readonly string[];

  static {
    this.prototype.name = "ServerNotFoundError";
  }

  constructor(searched: readonly string[], problem: string) {
    super(
      `The byokey program ${problem}. Install it, or name it with the option \`command\` or in BYOKEY_BIN. ` +
        `Looked for: ${searched.join("; ")}.`,
    );
    this.searched = searched;
  }
}

/** The program started, but did not answer the handshake in time. It was ended. */
export class StartTimeoutError extends ByokeyError {
  static {
    this.prototype.name = "StartTimeoutError";
  }

  constructor(milliseconds: number) {
    super(
      `The program did not answer \`initialize\` within ${milliseconds} ms and was ended. See that \`command\` and ` +
        "`args` start `byokey app-server`; `onLog` is given what it writes to standard error, and " +
        "`startTimeoutMs` gives it more time.",
    );
  }
}

/** A token provider failed, timed out, or returned something other than tokens. */
export class TokenProviderError extends ByokeyError {
  static {
    this.prototype.name = "TokenProviderError";
  }
}

function textOf({ method, code, kind, path, status, requestId }: Refusal): string {
  const facts = [
    `code ${code}`,
    kind === undefined ? undefined : `kind ${kind}`,
    path === undefined ? undefined : `at \`${path}\``,
    status === undefined ? undefined : `HTTP status ${status}`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ].filter((fact) => fact !== undefined);
  return `\`${method}\` failed (${facts.join(", ")}). ${hintFor(kind)}`;
}

function endOf(exit: ExitStatus | undefined): string {
  if (exit?.signal != null) return `was ended by ${exit.signal}`;
  if (exit?.code != null) return `ended with status ${exit.code}`;
  return "is gone";
}

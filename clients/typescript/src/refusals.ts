// Maps an error response to the class of the error.

import * as errors from "./errors.js";
import { isRecord } from "./json.js";

const CLASSES = new Map<string, new (refusal: errors.Refusal) => errors.RequestError>([
  ...kinds(errors.SignInRequiredError, ["authRequired", "chatgptAuthRequired", "reauthRequired"]),
  ...kinds(errors.RefreshFailedError, ["hostRefused", "hostTimeout", "hostGone", "hostAnswerInvalid"]),
  ...kinds(errors.LoginError, [
    "loginDisabled",
    "externalAuthActive",
    "workspaceMismatch",
    "invalidToken",
    "loginFailed",
    "portUnavailable",
    "storeFailed",
  ]),
  ...kinds(errors.BackendError, [
    "retryable",
    "unreachable",
    "backendRefused",
    "plaintextRefused",
    "usageLimitExceeded",
    "contextWindowExceeded",
    "policyRefused",
    "modelUnavailable",
    "workspaceRefused",
    "regionRefused",
    "challenged",
    "answerTooLarge",
  ]),
  ...kinds(errors.InvalidRequestError, [
    "invalidParams",
    "notInitialized",
    "alreadyInitialized",
    "invalidClientName",
    "duplicateId",
    "messageTooLong",
    "badFrame",
    "overloaded",
    "unsupported",
    "notFound",
    "turnInProgress",
    "configurationInvalid",
    "accountChanged",
  ]),
]);

/** The code for invalid responses. */
const INTERNAL_ERROR = -32603;

// Only values of the expected form are kept. A faulty server could write a secret here.
const KIND = /^[A-Za-z][A-Za-z0-9]{0,39}$/;
const PATH = /^[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}$/;
const REQUEST_ID = /^[\w-]{1,64}$/;

/** Returns the error for a response without a result. */
export function refusalOf(method: string, error: unknown): errors.RequestError {
  const { code, data } = isRecord(error) ? error : {};
  const { kind, path, status, requestId } = isRecord(data) ? data : {};
  const refusal: errors.Refusal = {
    method,
    code: integer(code) ?? INTERNAL_ERROR,
    kind: text(kind, KIND),
    path: text(path, PATH),
    status: integer(status),
    requestId: text(requestId, REQUEST_ID),
  };
  const Class = CLASSES.get(refusal.kind ?? "") ?? errors.RequestError;
  return new Class(refusal);
}

function kinds<T>(value: T, keys: readonly string[]): [string, T][] {
  return keys.map((key) => [key, value]);
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function text(value: unknown, form: RegExp): string | undefined {
  return typeof value === "string" && form.test(value) ? value : undefined;
}

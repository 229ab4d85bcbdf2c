// Maps an error response to the class of the error.

import * as errors from "./errors.js";
import { classOf, type ErrorClass } from "./generated/error-kinds.js";
import { isRecord } from "./json.js";
import { redact } from "./redact.js";

const CLASSES = {
  SignInRequired: errors.SignInRequiredError,
  RefreshFailed: errors.RefreshFailedError,
  Login: errors.LoginError,
  Backend: errors.BackendError,
  InvalidRequest: errors.InvalidRequestError,
} as const satisfies Record<ErrorClass, new (refusal: errors.Refusal) => errors.RequestError>;

/** The code for invalid responses. */
const INTERNAL_ERROR = -32603;

// Only values of the expected form are kept. A faulty server could write a secret here.
const KIND = /^[A-Za-z][A-Za-z0-9]{0,39}$/;
const PATH = /^[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}$/;
const REQUEST_ID = /^[\w-]{1,64}$/;

/** Returns the error for a response without a result; with its text only if that is trusted. */
export function refusalOf(method: string, error: unknown, isTrusted: boolean): errors.RequestError {
  const { code, data, message } = isRecord(error) ? error : {};
  const { kind, path, status, requestId } = isRecord(data) ? data : {};
  const refusal: errors.Refusal = {
    method,
    code: integer(code) ?? INTERNAL_ERROR,
    kind: text(kind, KIND),
    path: text(path, PATH),
    status: integer(status),
    requestId: text(requestId, REQUEST_ID),
    serverMessage: isTrusted && typeof message === "string" && message !== "" ? redact(message) : undefined,
  };
  const name = classOf(refusal.kind);
  const Class = name === undefined ? errors.RequestError : CLASSES[name];
  return new Class(refusal);
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function text(value: unknown, form: RegExp): string | undefined {
  return typeof value === "string" && form.test(value) ? value : undefined;
}

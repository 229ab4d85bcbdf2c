// The public API of the package.

export { ByokeyClient, type CommonOptions, type SpawnOptions } from "./client.js";
export {
  Supervisor,
  type BearerLogin,
  type CloseAction,
  type Restart,
  type ServerEnd,
  type Supervised,
  type Supervision,
  type SupervisorOptions,
} from "./supervisor.js";
export type { DeviceCode } from "./logins.js";
export type { RunOptions, RunResult } from "./run.js";
export { Secret } from "./secret.js";
export type { AccountState } from "./account-state.js";
export type { CallOptions, Method, Params, Result } from "./calls.js";
export type { Event, EventName, EventParams, KnownEvent, UnknownEvent } from "./events.js";
export type { ExitStatus } from "./transport.js";
export {
  BackendError,
  ByokeyError,
  ConnectionClosedError,
  InvalidRequestError,
  LoginError,
  RefreshFailedError,
  RequestError,
  ServerNotFoundError,
  SignInRequiredError,
  StartTimeoutError,
  TokenProviderError,
  TurnFailedError,
} from "./errors.js";
export type {
  BearerTokenProvider,
  BearerTokenRequest,
  NewBearerToken,
  SecretTokens,
  TokenContext,
  TokenProvider,
  TokenRequest,
  Tokens,
} from "./providers/provider.js";
export { commandTokens, type CommandOptions } from "./providers/command.js";
export {
  sessionTokens,
  type Session,
  type SessionOptions,
  type SessionRequest,
} from "./providers/session.js";
export { PROTOCOL_VERSION } from "./generated/methods.js";
export type {
  ClientNotifications,
  ClientRequests,
  ServerNotifications,
  ServerRequests,
} from "./generated/methods.js";
export type * from "./generated/types.js";

// The public API of the package.

export { ByokeyClient, type SpawnOptions } from "./client.js";
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
} from "./errors.js";
export type { TokenContext, TokenProvider, TokenRequest, Tokens } from "./providers/provider.js";
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

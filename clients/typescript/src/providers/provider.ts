// Token providers: the source of new tokens.

import type { PlanType, RefreshReason } from "../generated/types.js";
import { Secret } from "../secret.js";

/** The reason and the account of a request for tokens. */
export interface TokenRequest {
  /**
   * `unauthorized`: the backend refused the tokens in use. `expiring`: they expire within a minute.
   * `login`: requested by the host itself. A newer server may have other reasons.
   */
  readonly reason: RefreshReason | "login";
  /**
   * The account of the tokens in use, so that a host with several accounts selects the right one.
   */
  readonly previousAccountId: string | null;
}

/** The context of a request for tokens. */
export interface TokenContext {
  /** Aborted when no call waits for the tokens any more. */
  readonly signal: AbortSignal;
  /** The host's log: `onLog` of `spawn`. */
  readonly onLog?: ((line: string) => void) | undefined;
}

/** Tokens of a ChatGPT account. */
export interface Tokens {
  /** A secret: never log it. As a `Secret` it is not shown by accident. */
  readonly accessToken: string | Secret;
  readonly chatgptAccountId: string;
  /** The plan, if known; by default the one in the token. */
  readonly chatgptPlanType?: PlanType | null;
}

/** Hides tokens: they do not appear in a log, after a spread, or in JSON. */
export interface SecretTokens extends Tokens {
  readonly accessToken: Secret;
}

/** Supplies tokens. If it throws, the waiting calls fail with `RefreshFailedError`. */
export type TokenProvider = (request: TokenRequest, context: TokenContext) => Tokens | PromiseLike<Tokens>;

/** The reason and the recipient of a request for a bearer token. */
export interface BearerTokenRequest {
  /**
   * `unauthorized`: the provider refused the token in use. `expiring`: it expires within five
   * minutes. `login`: requested by the host itself. A newer server may have other reasons.
   */
  readonly reason: RefreshReason | "login";
  /** The origin that the token is for, such as `https://api.openai.com`. */
  readonly origin: string;
}

/** A bearer token for the configured provider. */
export interface NewBearerToken {
  /** A secret: never log it. As a `Secret` it is not shown by accident. */
  readonly token: string | Secret;
  /** When it expires, in seconds since 1970. */
  readonly expiresAt?: number | null;
}

/**
 * Supplies bearer tokens, for the account of the login. If it throws, the waiting calls fail with
 * `RefreshFailedError`.
 */
export type BearerTokenProvider = (
  request: BearerTokenRequest,
  context: TokenContext,
) => NewBearerToken | PromiseLike<NewBearerToken>;

/** Picks the members that are sent to the server; they show no token. */
export function onlyBearer({ token, expiresAt }: NewBearerToken): NewBearerToken {
  return {
    token: typeof token === "string" ? new Secret(token) : token,
    ...(expiresAt != null && { expiresAt }),
  };
}

/** The request of a host that calls a provider of this package itself. */
export const FIRST_LOGIN: TokenRequest = { reason: "login", previousAccountId: null };

/** Picks the members that are sent to the server; they show no token. */
export function onlyTokens({ accessToken, chatgptAccountId, chatgptPlanType }: Tokens): SecretTokens {
  return {
    // A value that is not a text is left for the server to refuse, by the name of the member.
    accessToken: typeof accessToken === "string" ? new Secret(accessToken) : accessToken,
    chatgptAccountId,
    ...(chatgptPlanType != null && { chatgptPlanType }),
  };
}

// Token providers: the source of new tokens.

import { inspect } from "node:util";

import type { RefreshReason } from "../generated/types.js";

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
}

/** Tokens of a ChatGPT account. */
export interface Tokens {
  /** A secret: never log it. */
  readonly accessToken: string;
  readonly chatgptAccountId: string;
  /** The plan, if known; by default the one in the token. */
  readonly chatgptPlanType?: string | null;
}

/** Supplies tokens. If it throws, the waiting calls fail with `RefreshFailedError`. */
export type TokenProvider = (request: TokenRequest, context: TokenContext) => Tokens | PromiseLike<Tokens>;

/** The request of a host that calls a provider of this package itself. */
export const FIRST_LOGIN: TokenRequest = { reason: "login", previousAccountId: null };

/** Picks the members that are sent to the server; the result's representation shows no token. */
export function onlyTokens({ accessToken, chatgptAccountId, chatgptPlanType }: Tokens): Tokens {
  const tokens = {
    accessToken,
    chatgptAccountId,
    ...(chatgptPlanType != null && { chatgptPlanType }),
  };
  const shown = { ...tokens, accessToken: "[redacted]" };
  return Object.defineProperty(tokens, inspect.custom, { value: () => shown });
}

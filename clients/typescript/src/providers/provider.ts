// Token providers: where new tokens come from.

import { inspect } from "node:util";

import type { RefreshReason } from "../generated/types.js";

/** Why tokens are wanted, and whose. */
export interface TokenRequest {
  /**
   * `unauthorized`: the backend refused the tokens in use. `expiring`: they expire within a
   * minute. `login`: the host itself asks. A newer server may have other reasons.
   */
  readonly reason: RefreshReason | "login";
  /** The account of the tokens in use, so that a host with several picks the right one. */
  readonly previousAccountId: string | null;
}

/** What goes along with a request for tokens. */
export interface TokenContext {
  /** Is aborted when nobody waits for the tokens any more. */
  readonly signal: AbortSignal;
}

/** Tokens of a ChatGPT account. */
export interface Tokens {
  /** A secret: never log it. */
  readonly accessToken: string;
  readonly chatgptAccountId: string;
  /** The plan, if it is known; else the token tells it. */
  readonly chatgptPlanType?: string | null;
}

/** Supplies tokens. Where it throws, the calls that wait fail with `RefreshFailedError`. */
export type TokenProvider = (request: TokenRequest, context: TokenContext) => Tokens | PromiseLike<Tokens>;

/** What a provider of this package is asked when the host itself asks it. */
export const FIRST_LOGIN: TokenRequest = { reason: "login", previousAccountId: null };

/** The members that the server is told, whatever else an object has; its representation shows no token. */
export function onlyTokens({ accessToken, chatgptAccountId, chatgptPlanType }: Tokens): Tokens {
  const tokens = {
    accessToken,
    chatgptAccountId,
    ...(chatgptPlanType != null && { chatgptPlanType }),
  };
  const shown = { ...tokens, accessToken: "[redacted]" };
  return Object.defineProperty(tokens, inspect.custom, { value: () => shown });
}

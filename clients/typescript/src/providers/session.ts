// Tokens from an `AuthenticationSession` of VS Code.

import { TokenProviderError } from "../errors.js";
import { FIRST_LOGIN, onlyTokens, type SecretTokens, type TokenRequest } from "./provider.js";

/** The required part of VS Code's `AuthenticationSession`. */
export interface Session {
  /** A secret: never log it. */
  readonly accessToken: string;
  readonly account: { readonly id: string; readonly label: string };
}

/** One of VS Code's `AuthenticationGetSessionOptions`. */
export type SessionRequest =
  | { readonly createIfNone: true }
  | { readonly forceNewSession: true }
  | { readonly silent: true };

/** The source of sessions, and their interpretation. */
export interface SessionOptions<S extends Session> {
  /** `(options) => vscode.authentication.getSession(providerId, scopes, options)` */
  readonly getSession: (options: SessionRequest) => PromiseLike<S | undefined>;
  /** The ChatGPT account of a session. */
  readonly accountId: (session: S) => string | PromiseLike<string>;
  /** Its plan; by default the one in the token. */
  readonly planType?: (session: S) => string | undefined;
}

/**
 * Returns a provider with tokens from sessions of VS Code. When the backend has refused a token, it
 * uses the session's newer one, if any, and otherwise has the user log in again.
 *
 * Users are slow: set a long `capabilities.authRefreshTimeoutMs`.
 */
export function sessionTokens<S extends Session>(
  options: SessionOptions<S>,
): (request?: TokenRequest) => Promise<SecretTokens> {
  let given: string | undefined;
  return async (request = FIRST_LOGIN) => {
    const session = await sessionFor(options.getSession, request.reason, given);
    if (session === undefined) {
      throw new TokenProviderError("There is no session: the user did not sign in. Ask again.");
    }
    const { accessToken } = session;
    const tokens = onlyTokens({
      accessToken,
      chatgptAccountId: await options.accountId(session),
      chatgptPlanType: options.planType?.(session) ?? null,
    });
    given = accessToken;
    return tokens;
  };
}

async function sessionFor<S extends Session>(
  getSession: SessionOptions<S>["getSession"],
  reason: string,
  given: string | undefined,
): Promise<S | undefined> {
  if (reason === "login") return getSession({ createIfNone: true });
  const session = await getSession({ silent: true });
  if (reason !== "unauthorized") return session;
  const isNewer = session !== undefined && given !== undefined && session.accessToken !== given;
  return isNewer ? session : getSession({ forceNewSession: true });
}

package byokey

import byokey.protocol.ExternalTokens
import byokey.protocol.LoginStartParams
import byokey.protocol.RefreshParams
import byokey.protocol.RefreshReason

/**
 * Supplies ChatGPT tokens: for the first login at the host's request, and later at the server's,
 * when the backend has refused those in use.
 *
 * It must answer within ten seconds, unless `capabilities.authRefreshTimeoutMs` is set. If it
 * throws, the waiting calls fail with [RefreshFailedException]; its exception stays in this
 * process.
 */
public fun interface TokenProvider {
    /** Returns tokens for `request.previousAccountId`, or for any account if that is null. */
    public suspend fun tokens(request: RefreshParams): ExternalTokens
}

/**
 * In place of a token provider: the login is the server's own, in the browser, with a device code, a
 * key, or one that it has stored.
 */
public object ServerOwnsLogin : TokenProvider {
    /** Throws, because there are no tokens in this process. */
    override suspend fun tokens(request: RefreshParams): ExternalTokens =
        throw TokenProviderException("The login is the server's own: it has no token provider.")
}

/** Requests tokens for the first login: with the reason `login`, and without an account. */
public suspend fun TokenProvider.tokens(): ExternalTokens = tokens(RefreshParams(RefreshReason("login")))

/** Returns the parameters of a login with these tokens. */
public fun ExternalTokens.toLogin(): LoginStartParams =
    LoginStartParams.ChatgptAuthTokens(accessToken, chatgptAccountId, chatgptPlanType, idToken)

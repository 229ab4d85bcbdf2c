package byokey

import byokey.protocol.ExternalTokens
import byokey.protocol.LoginStartParams
import byokey.protocol.RefreshParams
import byokey.protocol.RefreshReason

/**
 * Supplies ChatGPT tokens: for the first login when the host asks it, and later whenever the
 * server does, because the backend refused those in use.
 *
 * It has to answer within ten seconds, if `capabilities.authRefreshTimeoutMs` says nothing else.
 * If it throws, the calls that wait fail with [RefreshFailedException]; what it threw stays here.
 */
public fun interface TokenProvider {
    /** Tokens for `request.previousAccountId`, or for any account if that is null. */
    public suspend fun tokens(request: RefreshParams): ExternalTokens
}

/** Asks for the first login: with the reason `login`, and without an account. */
public suspend fun TokenProvider.tokens(): ExternalTokens = tokens(RefreshParams(RefreshReason("login")))

/** A login with these tokens. */
public fun ExternalTokens.toLogin(): LoginStartParams =
    LoginStartParams.ChatgptAuthTokens(accessToken, chatgptAccountId, chatgptPlanType, idToken)

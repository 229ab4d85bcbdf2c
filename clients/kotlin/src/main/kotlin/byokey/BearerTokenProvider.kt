package byokey

import byokey.protocol.BearerToken
import byokey.protocol.BearerTokenRefreshParams

/**
 * Supplies bearer tokens for the configured provider, when it has refused that of a login with
 * `LoginStartParams.BearerToken`.
 *
 * The deadline and what follows an exception are those of a [TokenProvider].
 */
public fun interface BearerTokenProvider {
    /** Returns a new token for `request.origin` and the account of the login. */
    public suspend fun token(request: BearerTokenRefreshParams): BearerToken
}

package byokey

import byokey.protocol.BearerTokenRefreshParams
import byokey.protocol.LoginStartParams
import byokey.protocol.RefreshParams
import byokey.protocol.RefreshReason
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

private val LOGIN = RefreshReason("login")

/** The login of a supervised server, over restarts: what was requested last by hand wins. */
internal class SupervisedLogin(
    private val options: SpawnOptions,
    signIn: Boolean,
    private val bearerLogin: BearerLogin?,
    private val isCurrent: (ByokeyClient) -> Boolean,
) {
    private class Wish(val isSignedIn: Boolean, val accountId: String?)

    /** Replaced by each request of the host; tokens that were asked for before are dropped. */
    @Volatile
    private var wish = Wish(signIn, null)

    /** Held while the account is changed: what was requested last is sent last. */
    private val changing = Mutex()

    val isSignedIn: Boolean get() = wish.isSignedIn

    /** Notes that the host wants to be signed in. */
    fun request() {
        wish = Wish(true, wish.accountId)
    }

    /** Asks the token provider and signs in, unless something newer was requested meanwhile. */
    suspend fun signInTo(client: ByokeyClient) {
        val before = wish
        val login = newLogin(before.accountId) ?: return
        changing.withLock {
            if (wish !== before || !isCurrent(client)) return
            client.login(login)
            if (wish === before) wish = Wish(true, (login as? LoginStartParams.ChatgptAuthTokens)?.chatgptAccountId)
        }
    }

    /** Asks the provider, and returns the login with its answer; null without a provider. */
    private suspend fun newLogin(accountId: String?): LoginStartParams? {
        val bearerProvider = options.refreshBearerToken
        if (bearerLogin != null && bearerProvider != null) {
            val answer = bearerProvider.token(BearerTokenRefreshParams(LOGIN, bearerLogin.origin))
            return LoginStartParams.BearerToken(answer.token, bearerLogin.origin, answer.expiresAt, bearerLogin.label)
        }
        if (options.refreshTokens === ServerOwnsLogin) return null
        return options.refreshTokens.ask(RefreshParams(LOGIN, accountId), options.onLog).toLogin()
    }

    /** Signs in to a new server, if the host is signed in. Returns what failed. */
    suspend fun signInAgain(client: ByokeyClient): Exception? = try {
        if (isSignedIn) signInTo(client)
        null
    } catch (@Suppress("TooGenericExceptionCaught") failure: Exception) {
        // Of the provider, which may throw anything.
        currentCoroutineContext().ensureActive()
        failure
    }

    suspend fun signOut(client: ByokeyClient?) {
        wish = Wish(false, null)
        changing.withLock {
            try {
                client?.logout()
            } catch (_: ConnectionClosedException) {
                // A server that has ended meanwhile has dropped the account, too.
            }
        }
    }
}

/** Logins that the server runs, from start to end. */
package byokey

import byokey.protocol.AccountReadResult
import byokey.protocol.LoginCompleted
import byokey.protocol.LoginStartParams
import byokey.protocol.LoginStartResult

/** What the user of a device login needs. */
public data class DeviceCode(
    /** The page to open. */
    public val verificationUrl: String,
    /** The code to type there. */
    public val userCode: String,
)

/**
 * Starts a login, has [show] take it to the user, and waits for its end. Cancelling this cancels the
 * login.
 */
internal suspend fun ByokeyClient.waitForLogin(
    session: Session,
    params: LoginStartParams,
    show: suspend (LoginStartResult) -> Unit,
): AccountReadResult = session.hub.reading { events ->
    // Subscribed before the start, so that a quick end is not missed.
    val started = login(params)
    val loginId = started.loginId ?: throw ErrorDetails.loginFailed(serverMessage = null)
    var isPending = true
    try {
        show(started)
        for (event in events) {
            val completed: LoginCompleted = (event as? Event.LoginEnded)?.params ?: continue
            if (completed.loginId != loginId) continue
            isPending = false
            if (!completed.success) throw ErrorDetails.loginFailed(session.shown(completed.error))
            break
        }
        // Where the events have ended, the server is gone: the call fails with the reason.
        isPending = false
        readAccount()
    } finally {
        if (isPending) session.inBackground { cancelLogin(loginId) }
    }
}

private val LoginStartResult.loginId: String?
    get() = when (this) {
        is LoginStartResult.Chatgpt -> loginId
        is LoginStartResult.ChatgptDeviceCode -> loginId
        else -> null
    }

/** What a host hears of, and decides about, a server that is kept running. */
package byokey

import kotlin.time.Duration

/** What to do about a server that has ended. */
public enum class CloseAction {
    /** Start it again after the pause. */
    Restart,

    /** Leave it. */
    DoNotRestart,
}

/**
 * The recipient of the bearer tokens that a supervisor signs in with.
 *
 * @property origin scheme, host and port of the configured provider, such as
 *   `https://api.openai.com`
 * @property label a name of the account for users
 */
public class BearerLogin(public val origin: String, public val label: String? = null) {
    override fun toString(): String = "BearerLogin(origin=$origin, label=$label)"
}

/** The end of a server, or a start that failed. */
public class ServerEnd internal constructor(
    /** The exit status of the process, if it had started and that is known. */
    public val exitStatus: Int?,
    /** Why a restart failed; null where a running server ended. */
    public val error: ByokeyException?,
    /** How many ends there were in a row; a server that ran for 30 seconds begins a new row. */
    public val endsInARow: Int,
    /** The pause before the next start. */
    public val pause: Duration,
) {
    override fun toString(): String = "ServerEnd(exitStatus=$exitStatus, endsInARow=$endsInARow, pause=$pause)"
}

/** A server that took the place of one that had ended. */
public class Restart internal constructor(
    /** The new server. Threads of the old one are gone. */
    public val client: ByokeyClient,
    /** How many restarts there were, this one included. */
    public val restarts: Int,
    /** Why signing in again failed; null where it worked or there was nothing to do. */
    public val signInError: Exception?,
) {
    override fun toString(): String = "Restart(restarts=$restarts, $client)"
}

/** The errors that are about the program. */
package byokey

import kotlin.time.Duration

/** An error that names its program. Nothing of it holds a secret. */
public sealed class ProgramException(text: String, launched: Launched?, cause: Throwable? = null) :
    ByokeyException(text + launched?.log.orEmpty(), cause) {
    /** The path of the program; null if none was found. */
    public val command: String? = launched?.command

    /** Its arguments; values of settings are left out. */
    public val args: List<String> = launched?.args.orEmpty()

    /** The last lines that it wrote to standard error, the latest last. */
    public val lastLog: List<String> = launched?.lastLog.orEmpty()
}

/** The server is gone, or the client was closed. */
public class ConnectionClosedException internal constructor(
    /** The exit status of the process, if known. */
    public val exitStatus: Int?,
    internal val launched: Launched? = null,
) : ProgramException(
    "The connection to the server has ended" + (exitStatus?.let { " with exit status $it" } ?: "") +
        "${launched?.shown.orEmpty()}. Spawn a new client, or have a `Supervisor` do that.",
    launched,
)

/** The program cannot be started, or is another one of the same name. */
public class ServerNotFoundException internal constructor(
    /** Where it was searched for, in this order. */
    public val searched: List<String>,
    problem: String = "was not found",
    launched: Launched? = null,
    cause: Throwable? = null,
) : ProgramException(
    "byokey $problem${launched?.shown.orEmpty()}; looked for it in: ${searched.joinToString()}. " +
        "Install it, or name it with `command` or BYOKEY_BIN.",
    launched,
    cause,
)

/** The program started, but did not answer the handshake in time. It was ended. */
public class StartTimeoutException internal constructor(timeout: Duration, launched: Launched) :
    ProgramException(
        "The program did not answer `initialize` within $timeout and was ended${launched.shown}. See that " +
            "`command` and `args` start `byokey app-server`; `startTimeout` gives it more time.",
        launched,
    )

/**
 * What can go wrong.
 *
 * A text here is always the client's own. What the server, the backend or a token provider wrote
 * is never part of it, because it may be anything.
 */
package byokey

import byokey.protocol.ErrorKind
import kotlin.time.Duration

/** The base of all. Alone it means that an answer of the server could not be understood. */
public open class ByokeyException internal constructor(message: String, cause: Throwable? = null) :
    Exception(message, cause)

/** The server answered a request with an error. */
public open class RequestException internal constructor(
    /** The request. */
    public val method: String,
    /** The JSON-RPC code. */
    public val code: Int,
    details: ErrorDetails,
    advice: String = "Its code and kind say more.",
) : ByokeyException("`$method` failed (${details.told(code)}). $advice") {
    /** What happened, for programs; null if the server told none. It may be newer than this client. */
    public val kind: ErrorKind? = details.kind

    /** Where in the parameters the problem is, as `member.member`. */
    public val path: String? = details.path

    /** HTTP status of the backend. */
    public val status: Int? = details.status

    /** The backend's id of the request. */
    public val requestId: String? = details.requestId
}

/** Somebody has to sign in. */
public class SignInRequiredException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Sign in with `login`, then try again.")

/** The backend refused the token, and new tokens did not come. */
public class RefreshFailedException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(
    method,
    code,
    details,
    "Look into the token provider given to `spawn`, or sign in again with `login`.",
)

/** A login or logout was refused. */
public class LoginException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details, "Correct what the kind names, or sign in another way.")

/** The backend failed or refused. */
public class BackendException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Try again later if `isRetryable`.") {
    /** Whether the same request may succeed later. */
    public val isRetryable: Boolean get() = kind == ErrorKind.Retryable
}

/** The request itself is wrong. */
public class InvalidRequestException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Correct the request; `path` says where, if known.")

/** The server is gone, or the client was closed. */
public class ConnectionClosedException internal constructor(
    /** How the process ended, if that is known. */
    public val exitStatus: Int?,
) : ByokeyException(
    "The connection to the server has ended" +
        (exitStatus?.let { " (exit status $it)" } ?: "") +
        ". Spawn a new client and log in again.",
)

/** The program cannot be started. */
public class ServerNotFoundException internal constructor(
    /** Where it was looked for, in this order. */
    public val lookedIn: List<String>,
    cause: Throwable? = null,
) : ByokeyException(
    "byokey cannot be started; looked in: ${lookedIn.joinToString()}. " +
        "Install it, or name it with `command` or BYOKEY_BIN.",
    cause,
)

/** The program started, and did not answer the handshake in time. It was ended. */
public class StartTimeoutException internal constructor(timeout: Duration) : ByokeyException(
    "The program did not answer `initialize` within $timeout and was ended. See that `command` and `args` start " +
        "`byokey app-server`; `onLog` is given what it writes to standard error, and `startTimeout` gives it more time.",
)

/** A command that supplies tokens failed, took too long, or printed something else. */
public class TokenProviderException internal constructor(message: String) : ByokeyException(message)

/**
 * The errors of this client.
 *
 * Their texts are the client's own. Text of the server, the backend or a token provider is never
 * part of them, because it may contain a secret.
 */
package byokey

import byokey.protocol.ErrorKind
import kotlin.time.Duration

/** The base of all errors. By itself it means an invalid answer of the server. */
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
    /** The error kind; null if the server sent none. It may be newer than this client. */
    public val kind: ErrorKind? = details.kind

    /** The path of the invalid parameter, as `member.member`. */
    public val path: String? = details.path

    /** HTTP status of the backend. */
    public val status: Int? = details.status

    /** The backend's request id. */
    public val requestId: String? = details.requestId
}

/** A login is needed. */
public class SignInRequiredException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Sign in with `login`, then try again.")

/** The backend refused the token, and no new tokens could be obtained. */
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

/** The backend failed or refused the request. */
public class BackendException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Try again later if `isRetryable`.") {
    /** Whether the same request may succeed later. */
    public val isRetryable: Boolean get() = kind == ErrorKind.Retryable
}

/** The request itself is invalid. */
public class InvalidRequestException internal constructor(
    method: String,
    code: Int,
    details: ErrorDetails,
) : RequestException(method, code, details, "Correct the request; `path` says where, if known.")

/** The server is gone, or the client was closed. */
public class ConnectionClosedException internal constructor(
    /** The exit status of the process, if known. */
    public val exitStatus: Int?,
) : ByokeyException(
    "The connection to the server has ended" +
        (exitStatus?.let { " (exit status $it)" } ?: "") +
        ". Spawn a new client and log in again.",
)

/** The program cannot be started. */
public class ServerNotFoundException internal constructor(
    /** Where it was searched for, in this order. */
    public val lookedIn: List<String>,
    cause: Throwable? = null,
) : ByokeyException(
    "byokey cannot be started; looked in: ${lookedIn.joinToString()}. " +
        "Install it, or name it with `command` or BYOKEY_BIN.",
    cause,
)

/** The program started, but did not answer the handshake in time. It was ended. */
public class StartTimeoutException internal constructor(timeout: Duration) : ByokeyException(
    "The program did not answer `initialize` within $timeout and was ended. See that `command` and `args` start " +
        "`byokey app-server`; `onLog` is given what it writes to standard error, and `startTimeout` gives it more time.",
)

/** A token command failed, timed out, or printed invalid output. */
public class TokenProviderException internal constructor(message: String) : ByokeyException(message)

/**
 * The errors of this client.
 *
 * Their texts are the client's own. What `byokey` says about an error is added to them, redacted;
 * text of any other program or of a token provider is never part of them, because it may be
 * anything.
 */
package byokey

import byokey.protocol.CodexErrorInfo
import byokey.protocol.ErrorKind
import byokey.protocol.ErrorKinds
import byokey.protocol.Turn
import byokey.protocol.TurnStatus

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
) : ByokeyException(
    "`$method` failed (${details.describe(code)}).${sentence(details.serverMessage)} ${adviceFor(details.kind)}",
) {
    /** The error kind; null if the server sent none. It may be newer than this client. */
    public val kind: ErrorKind? = details.kind

    /** The path of the invalid parameter, as `member.member`. */
    public val path: String? = details.path

    /** HTTP status of the backend. */
    public val status: Int? = details.status

    /** The backend's request id. */
    public val requestId: String? = details.requestId

    /** What `byokey` said about it, redacted, for users; of other servers it is not kept. */
    public val serverMessage: String? = details.serverMessage
}

/** A login is needed. */
public class SignInRequiredException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details)

/** The backend refused the token, and no new tokens could be obtained. */
public class RefreshFailedException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details)

/** A login or logout was refused. */
public class LoginException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details)

/** The backend failed or refused the request. */
public class BackendException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details) {
    /** Whether the same request may succeed later. */
    public val isRetryable: Boolean get() = kind == ErrorKind.Retryable
}

/** The request itself is invalid. */
public class InvalidRequestException internal constructor(method: String, code: Int, details: ErrorDetails) :
    RequestException(method, code, details)

/** A turn ended without an answer. */
public class TurnFailedException internal constructor(
    /** The conversation. */
    public val threadId: String,
    /** The turn as it ended. */
    public val turn: Turn,
    serverMessage: String?,
) : ByokeyException(
    "The turn ${if (turn.status == TurnStatus.Interrupted) "was interrupted" else "failed"}" +
        (turn.kind?.let { " (${it.value})" } ?: "") + ".${sentence(serverMessage)} ${adviceFor(turn.kind)}",
) {
    /** The kind of the error, or codex's word for it. */
    public val kind: ErrorKind? = turn.kind
}

/** A token command failed, timed out, or printed invalid output. */
public class TokenProviderException internal constructor(message: String) : ByokeyException(message)

private val Turn.kind: ErrorKind?
    get() = (error?.kind ?: (error?.codexErrorInfo as? CodexErrorInfo.Word)?.let { ErrorKind(it.value) })
        ?.takeIf { KIND.matches(it.value) }

/** One sentence for the host's author: what to do next. */
private fun adviceFor(kind: ErrorKind?): String =
    ErrorKinds.ADVICE[kind?.value] ?: "The reference of the protocol lists codes and kinds."

/** A text of the server as a sentence after another one. */
private fun sentence(text: String?): String = when {
    text == null -> ""
    text.last() in ".!?…" -> " $text"
    else -> " $text."
}

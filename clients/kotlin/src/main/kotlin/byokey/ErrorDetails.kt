package byokey

import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonValue
import byokey.protocol.ClientRequests
import byokey.protocol.ErrorKind
import byokey.protocol.ErrorKinds

// Only values of the expected form are kept: a faulty server could write a secret here.
internal val KIND = Regex("[A-Za-z][A-Za-z0-9]{0,39}")
private val PATH = Regex("""[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}""")
private val REQUEST_ID = Regex("""[\w-]{1,64}""")

/** The code of error responses without one. */
private const val INTERNAL_ERROR = -32603

/** An error response, as far as it has the known form. */
internal class ErrorDetails(
    val kind: ErrorKind?,
    val path: String? = null,
    val status: Int? = null,
    val requestId: String? = null,
    /** What the server said, redacted; null unless the server is trusted. */
    val serverMessage: String? = null,
) {
    /** Code and kind for the text of an exception. An unknown kind could be any text. */
    fun describe(code: Int): String {
        val known = kind?.takeIf { classOf(it) != null }
        return if (known == null) "code $code" else "code $code, ${known.value}"
    }

    companion object {
        /**
         * Returns the exception for an error response of any form. Its text is only kept if the
         * server is trusted to write no secret.
         */
        fun exception(method: String, answer: JsonValue, isTrusted: Boolean): RequestException {
            val error = answer as? JsonObject
            val code = error?.whole("code") ?: INTERNAL_ERROR
            val data = error?.get("data") as? JsonObject
            val details = ErrorDetails(
                kind = data?.text("kind", KIND)?.let(::ErrorKind),
                path = data?.text("path", PATH),
                status = data?.whole("status"),
                requestId = data?.text("requestId", REQUEST_ID),
                serverMessage = shown((error?.get("message") as? JsonString)?.value, isTrusted),
            )
            val of = classOf(details.kind) ?: return RequestException(method, code, details)
            return of(method, code, details)
        }

        /** Returns what may be shown of a text of the server. */
        fun shown(text: String?, isTrusted: Boolean): String? =
            text?.takeIf { isTrusted }?.let(::redact)?.takeIf { it.isNotEmpty() }

        /** Returns the exception for a login that the server reported as failed. */
        fun loginFailed(serverMessage: String?): LoginException = LoginException(
            ClientRequests.accountLoginStart.name,
            INTERNAL_ERROR,
            ErrorDetails(ErrorKind.LoginFailed, serverMessage = serverMessage),
        )
    }
}

private fun JsonObject.text(name: String, form: Regex): String? =
    (this[name] as? JsonString)?.value?.takeIf(form::matches)

private fun JsonObject.whole(name: String): Int? =
    (this[name] as? JsonNumber)?.toLongOrNull()?.takeIf { it.toInt().toLong() == it }?.toInt()

private typealias ExceptionOf = (String, Int, ErrorDetails) -> RequestException

/** All other kinds are plain [RequestException]s. */
private fun classOf(kind: ErrorKind?): ExceptionOf? = when (ErrorKinds.CLASSES[kind?.value]) {
    "SignInRequired" -> ::SignInRequiredException
    "RefreshFailed" -> ::RefreshFailedException
    "Login" -> ::LoginException
    "Backend" -> ::BackendException
    "InvalidRequest" -> ::InvalidRequestException
    else -> null
}

package byokey

import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonValue
import byokey.protocol.ErrorKind
import byokey.protocol.ErrorKinds

// Only values of the expected form are kept: a faulty server could write a secret here.
private val KIND = Regex("[A-Za-z][A-Za-z0-9]{0,39}")
private val PATH = Regex("""[\w$-]{1,40}(\.[\w$-]{1,40}){0,15}""")
private val REQUEST_ID = Regex("""[\w-]{1,64}""")

/** The code of error responses without one. */
private const val INTERNAL_ERROR = -32603

/** The `data` of an error response, as far as it has the known form. */
internal class ErrorDetails private constructor(data: JsonObject?) {
    val kind: ErrorKind? = data?.text("kind", KIND)?.let(::ErrorKind)
    val path: String? = data?.text("path", PATH)
    val status: Int? = data?.whole("status")
    val requestId: String? = data?.text("requestId", REQUEST_ID)

    /** Code and kind for the text of an exception. An unknown kind could be any text. */
    fun told(code: Int): String {
        val known = kind?.takeIf { classOf(it) != null }
        return if (known == null) "code $code" else "code $code, ${known.value}"
    }

    companion object {
        /** Returns the exception for an error response of any form. */
        fun exception(method: String, answer: JsonValue): RequestException {
            val error = answer as? JsonObject
            val code = error?.whole("code") ?: INTERNAL_ERROR
            val details = ErrorDetails(error?.get("data") as? JsonObject)
            val of = classOf(details.kind) ?: return RequestException(method, code, details)
            return of(method, code, details)
        }
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

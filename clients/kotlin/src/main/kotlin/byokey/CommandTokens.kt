/** Tokens from a command, like git's credential helpers. */
package byokey

import byokey.json.JsonNull
import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonSyntaxException
import byokey.json.JsonValue
import byokey.protocol.ExternalTokens
import byokey.protocol.RefreshParams
import byokey.protocol.RefreshReason
import byokey.protocol.WireException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import java.io.File
import java.time.Instant
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** How long before their expiry tokens are no longer used. */
private const val MARGIN_SECONDS = 60L

/** Less than the server's timeout of ten seconds. */
private val TIMEOUT = 8.seconds

/**
 * Returns a provider that runs [command], a program and its arguments.
 *
 * The program gets `BYOKEY_REFRESH_REASON` and `BYOKEY_PREVIOUS_ACCOUNT_ID`, which may be empty, in
 * its environment; [environment] replaces the rest of it. It prints one JSON object,
 * `{"accessToken": …, "chatgptAccountId": …}`, optionally with `chatgptPlanType` and `expiresAt`,
 * in seconds since 1970.
 *
 * Its tokens are cached until a minute before `expiresAt`, or until the backend refuses them. The
 * provider throws [TokenProviderException] if the program fails, takes longer than [timeout] or
 * prints invalid output. Its standard output never appears in an error or a log. Its standard error
 * goes to [onLog], line by line and redacted; without that, to the `onLog` of the client that asks.
 */
public fun commandTokens(
    command: List<String>,
    timeout: Duration = TIMEOUT,
    environment: Map<String, String>? = null,
    workingDirectory: File? = null,
    onLog: ((String) -> Unit)? = null,
): TokenProvider {
    require(command.isNotEmpty()) { "A command has at least the name of a program." }
    return CommandTokens({ request ->
        val all = (environment ?: System.getenv()) + environmentOf(request)
        val log = onLog ?: currentCoroutineContext()[LogOfTheClient]?.onLog
        val redacted = log?.let { take -> { line: String -> report(take, "[token command] ${redact(line)}") } }
        runTokenCommand(command, timeout, all, workingDirectory, redacted)
    })
}

/** Where a command's standard error goes: `onLog` of the client that asks. */
internal class LogOfTheClient(val onLog: (String) -> Unit) : AbstractCoroutineContextElement(Key) {
    companion object Key : CoroutineContext.Key<LogOfTheClient>
}

/** Asks a provider; a token command writes to the log of the client meanwhile. */
internal suspend fun TokenProvider.ask(request: RefreshParams, onLog: ((String) -> Unit)?): ExternalTokens =
    if (onLog == null) tokens(request) else withContext(LogOfTheClient(onLog)) { tokens(request) }

/**
 * Passes a line to the host's function. An exception of it must not stop the reading of a log, since
 * a full pipe blocks the program that writes.
 */
internal fun report(onLog: (String) -> Unit, line: String) {
    runCatching { onLog(line) }
}

/** Caches the output of [run] as long as it is valid. */
internal class CommandTokens(
    private val run: suspend (RefreshParams) -> String,
    private val now: () -> Long = { Instant.now().epochSecond },
) : TokenProvider {
    private class Kept(val tokens: ExternalTokens, val expiresAt: Long?)

    private val oneAtATime = Mutex()
    private var kept: Kept? = null

    override suspend fun tokens(request: RefreshParams): ExternalTokens = oneAtATime.withLock {
        kept?.takeIf { it.isGoodFor(request) }?.tokens ?: run {
            kept = null
            read(run(request)).also { kept = it }.tokens
        }
    }

    private fun Kept.isGoodFor(request: RefreshParams): Boolean {
        val isForAccount = request.previousAccountId == null ||
            request.previousAccountId == tokens.chatgptAccountId
        val lives = if (expiresAt != null) {
            now() < expiresAt - MARGIN_SECONDS
        } else {
            request.reason != RefreshReason.Expiring
        }
        return isForAccount && lives && request.reason != RefreshReason.Unauthorized
    }

    private fun read(printed: String): Kept = try {
        val answer = JsonValue.parse(printed)
        val tokens = ExternalTokens.fromJson(answer)
        if (tokens.chatgptAccountId == null) throw WireException("chatgptAccountId", "there")
        Kept(tokens, expiryIn(answer))
    } catch (_: JsonSyntaxException) {
        throw TokenProviderException("The token command printed something else than one JSON object.")
    } catch (error: WireException) {
        val place = error.at.ifEmpty { "the whole" }
        throw TokenProviderException("The token command printed JSON of another shape, at: $place.")
    }
}

private fun expiryIn(answer: JsonValue): Long? = when (val expiry = (answer as JsonObject)["expiresAt"]) {
    null, JsonNull -> null
    is JsonNumber -> expiry.toDouble().toLong()
    else -> throw WireException("expiresAt", "a number")
}

private fun environmentOf(request: RefreshParams): Map<String, String> = mapOf(
    "BYOKEY_REFRESH_REASON" to request.reason.value,
    "BYOKEY_PREVIOUS_ACCOUNT_ID" to request.previousAccountId.orEmpty(),
)

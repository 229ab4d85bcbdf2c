package byokey

import byokey.json.JsonObject
import byokey.json.JsonValue
import byokey.protocol.Account
import byokey.protocol.AccountReadParams
import byokey.protocol.BearerTokenRefreshParams
import byokey.protocol.ClientRequests
import byokey.protocol.RefreshParams
import byokey.protocol.RequestMethod
import byokey.protocol.ServerNotifications
import byokey.protocol.ServerRequests
import byokey.protocol.WireException
import byokey.protocol.WireType
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.seconds

private const val METHOD_NOT_FOUND = -32601
private const val INVALID_PARAMS = -32602
private const val PROVIDER_FAILED = -32000

/** How long the server's last output, or its exit, may take. */
private val GRACE = 1.seconds

/** A running server and its connection, until either ends. */
internal class Session(
    private val process: ServerProcess,
    private val refreshTokens: TokenProvider,
    private val refreshBearerToken: BearerTokenProvider?,
    private val onLog: ((String) -> Unit)?,
    private val onEvent: (Event) -> Unit,
) {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default + CoroutineName("byokey"))
    private val keeper = AccountKeeper(scope, ::readAccount)
    private val connection = Connection(scope, ::answer) { method, params ->
        // First, so that a host that starts to use the account on the event reads it once.
        if (method == ServerNotifications.accountUpdated.name) keeper.update()
        val event = eventOf(method, params)
        hub.publish(event)
        onEvent(event)
    }

    val hub = EventHub()
    val launched get() = process.launched
    val found get() = process.found
    val account get() = keeper.account
    val pid get() = process.id
    val isEnded get() = connection.isEnded

    init {
        scope.launch { write() }
        scope.launch { runUntilTheEnd() }
    }

    suspend fun request(method: String, params: JsonValue): JsonValue = connection.request(method, params)

    suspend fun <P : WireType, R : WireType> typedRequest(method: RequestMethod<P, R>, params: P): R {
        val result = request(method.name, params.toJson())
        return try {
            method.readResult(result, "")
        } catch (error: WireException) {
            throw ByokeyException(
                "The server answered `${method.name}` in a shape that this client does not know, at " +
                    "`${error.at}`. Use a client and a server of the same version.",
            )
        }
    }

    private suspend fun readAccount(): Account? =
        typedRequest(ClientRequests.accountRead, AccountReadParams()).account

    suspend fun notify(method: String): Unit = connection.notify(method, JsonObject())

    suspend fun awaitEnd(): Int? = connection.awaitEnd()

    /** Notes that the server is `byokey`, whose texts name causes and no secrets. */
    fun trust() {
        connection.isTrusted = true
    }

    /** Returns what may be shown of a text of the server. */
    fun shown(text: String?): String? = ErrorDetails.shown(text, connection.isTrusted)

    /** Makes a call whose outcome does not matter. */
    fun inBackground(call: suspend () -> Unit) {
        scope.launch {
            try {
                call()
            } catch (_: ByokeyException) {
                // What it was to end may have ended meanwhile.
            }
        }
    }

    /** Ends the process, and blocks until it has exited. */
    fun close() {
        connection.hangUp(End(null, process.launched))
        process.end()
        finish(process.exitStatusOrNull())
    }

    /**
     * A server that stops reading is detected at the end of its output; lines are dropped until
     * then.
     */
    private suspend fun write() {
        var isTaken = true
        for (line in connection.lines) isTaken = isTaken && process.write(line)
        process.closeInput()
    }

    private suspend fun runUntilTheEnd() {
        val reading = scope.launch { process.readLines(connection::receive) }
        val logging = scope.launch { process.readLog { line -> if (onLog != null) report(onLog, line) } }
        val exit = scope.async { process.awaitExit() }
        select<Unit> {
            reading.onJoin {}
            exit.onAwait {}
        }
        withTimeoutOrNull(GRACE) { joinAll(reading, logging) }
        val status = withTimeoutOrNull(GRACE) { exit.await() }
        if (status == null) process.kill()
        finish(status)
        scope.cancel()
    }

    private fun finish(exitStatus: Int?) {
        connection.end(End(exitStatus, process.launched))
        hub.end()
        keeper.end()
    }

    private suspend fun answer(method: String, params: JsonValue): JsonValue {
        if (method == ServerRequests.accountBearerTokenRefresh.name && refreshBearerToken != null) {
            return supplied({ BearerTokenRefreshParams.fromJson(params) }) { refreshBearerToken.token(it).toJson() }
        }
        if (method != ServerRequests.accountChatgptAuthTokensRefresh.name || refreshTokens === ServerOwnsLogin) {
            throw Refusal(METHOD_NOT_FOUND, "The client does not answer such requests.")
        }
        // The server does not use an id token in the answer.
        return supplied({ RefreshParams.fromJson(params) }) { refreshTokens.ask(it, onLog).copy(idToken = null).toJson() }
    }

    private suspend fun <P> supplied(read: () -> P, supply: suspend (P) -> JsonValue): JsonValue {
        val request = try {
            read()
        } catch (_: WireException) {
            throw Refusal(INVALID_PARAMS, "The client cannot read these parameters.")
        }
        return try {
            supply(request)
        } catch (@Suppress("TooGenericExceptionCaught") _: Throwable) {
            // The exception may contain a token. The server gets an answer in any case, so that
            // waiting calls fail before its timeout.
            currentCoroutineContext().ensureActive()
            throw Refusal(PROVIDER_FAILED, "The host's token provider failed.")
        }
    }
}

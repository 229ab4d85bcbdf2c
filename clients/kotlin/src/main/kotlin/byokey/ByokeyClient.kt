package byokey

import byokey.json.JsonObject
import byokey.json.JsonValue
import byokey.protocol.Account
import byokey.protocol.AccountReadParams
import byokey.protocol.AccountReadResult
import byokey.protocol.ClientCapabilities
import byokey.protocol.ClientInfo
import byokey.protocol.ClientNotifications
import byokey.protocol.ClientRequests
import byokey.protocol.Empty
import byokey.protocol.InitializeParams
import byokey.protocol.InitializeResult
import byokey.protocol.LoginCancelParams
import byokey.protocol.LoginCancelResult
import byokey.protocol.LoginCompleteParams
import byokey.protocol.LoginStartParams
import byokey.protocol.LoginStartResult
import byokey.protocol.LogoutParams
import byokey.protocol.ModelListParams
import byokey.protocol.ModelListResult
import byokey.protocol.RateLimitsReadResult
import byokey.protocol.RequestMethod
import byokey.protocol.ThreadResumeParams
import byokey.protocol.ThreadStartParams
import byokey.protocol.ThreadStartResult
import byokey.protocol.TurnInterruptParams
import byokey.protocol.TurnStartParams
import byokey.protocol.TurnStartResult
import byokey.protocol.UsageReadResult
import byokey.protocol.WireType
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/** Every request by its name, for [ByokeyClient.request]. */
public typealias Methods = ClientRequests

/**
 * A running `byokey app-server` and the conversation with it. [spawn] makes one.
 *
 * Calls may be made from any coroutine, many at a time. Cancelling the coroutine gives the call
 * up, and the server is told. Calls throw what [ByokeyException] lists.
 */
public class ByokeyClient private constructor(
    private val session: Session,
    /** What the server told about itself. */
    public val server: InitializeResult,
) : AutoCloseable {
    /**
     * What the server tells. Each collector gets everything from when it begins to collect, and
     * the first one also what came before, up to 1,000 events. The flow ends when the connection
     * does.
     *
     * A collector that falls 100,000 events behind fails with [IllegalStateException].
     */
    public val events: Flow<Event> get() = session.events

    /**
     * The account, kept current from the first use of this on. That reads it, and so does every
     * `account/updated`. It is null if nobody is signed in, until it was read, and once the server
     * has ended.
     */
    public val account: StateFlow<Account?> get() = session.account

    /** Id of the server's process. */
    public val pid: Long get() = session.pid

    /** Whether the connection has ended, by [close] or from the other side. */
    public val isClosed: Boolean get() = session.isEnded

    /** Starts a login. With tokens or a key it is in force when this returns. */
    public suspend fun login(params: LoginStartParams): LoginStartResult =
        request(Methods.accountLoginStart, params)

    /** Gives up a login that waits for its user. */
    public suspend fun cancelLogin(loginId: String): LoginCancelResult =
        request(Methods.accountLoginCancel, LoginCancelParams(loginId))

    /** Ends a login in the browser with the address that the browser was sent to. */
    public suspend fun completeLogin(loginId: String, redirectUrl: Secret) {
        request(Methods.accountLoginComplete, LoginCompleteParams(loginId, redirectUrl))
    }

    /** Forgets the credential. If [revoke] is false, the issuer is not asked to take it back. */
    public suspend fun logout(revoke: Boolean? = null) {
        request(Methods.accountLogout, LogoutParams(revoke))
    }

    /** Tells the account, without touching the network. */
    public suspend fun readAccount(): AccountReadResult =
        request(Methods.accountRead, AccountReadParams())

    /** Reads the rate limits from the backend. */
    public suspend fun readRateLimits(): RateLimitsReadResult =
        request(Methods.accountRateLimitsRead, Empty())

    /** Reads the token usage from the backend. */
    public suspend fun readUsage(): UsageReadResult = request(Methods.accountUsageRead, Empty())

    /** Lists the models that the backend offers. */
    public suspend fun listModels(): ModelListResult = request(Methods.modelList, ModelListParams())

    /** Starts a text conversation. */
    public suspend fun startThread(params: ThreadStartParams = ThreadStartParams()): ThreadStartResult =
        request(Methods.threadStart, params)

    /** Takes up a conversation of this server again. */
    public suspend fun resumeThread(threadId: String): ThreadStartResult =
        request(Methods.threadResume, ThreadResumeParams(threadId))

    /** Says something in a conversation. The answer is streamed as [events]. */
    public suspend fun startTurn(params: TurnStartParams): TurnStartResult =
        request(Methods.turnStart, params)

    /** Stops a turn. */
    public suspend fun interruptTurn(threadId: String, turnId: String) {
        request(Methods.turnInterrupt, TurnInterruptParams(threadId, turnId))
    }

    /** Makes any call of [Methods]. */
    public suspend fun <P : WireType, R : WireType> request(method: RequestMethod<P, R>, params: P): R =
        session.typedRequest(method, params)

    /** Makes a call that this version has no name for. */
    public suspend fun request(method: String, params: JsonObject = JsonObject()): JsonValue =
        session.request(method, params)

    /** Waits until the connection has ended and returns the server's exit status, if it is known. */
    public suspend fun awaitClosed(): Int? = session.awaitEnd()

    /**
     * Ends the server. Calls in flight fail with [ConnectionClosedException].
     *
     * It blocks until the process has ended, usually for milliseconds and never more than two
     * seconds. Closing twice does nothing.
     */
    override fun close(): Unit = session.close()

    override fun toString(): String = "ByokeyClient(process $pid)"

    public companion object {
        /**
         * Starts the server and shakes hands with it.
         *
         * @param clientInfo who the host is
         * @param refreshTokens supplies tokens when the backend has refused those in use
         * @param command the program; without it `BYOKEY_BIN`, then the program that came with
         *   the package, then `byokey` on the search path
         * @param args its arguments
         * @param environment its whole environment; without it the host's
         * @param workingDirectory where it runs; without it where the host does
         * @param capabilities what the host can do
         * @param onLog is given each line that the server writes to standard error
         * @param startTimeout how long the server may take to answer the handshake
         * @throws ServerNotFoundException if the program cannot be started
         * @throws StartTimeoutException if it does not answer the handshake in time
         */
        public suspend fun spawn(
            clientInfo: ClientInfo,
            refreshTokens: TokenProvider,
            command: String? = null,
            args: List<String> = listOf("app-server"),
            environment: Map<String, String>? = null,
            workingDirectory: File? = null,
            capabilities: ClientCapabilities? = null,
            onLog: ((String) -> Unit)? = null,
            startTimeout: Duration = 10.seconds,
        ): ByokeyClient {
            val process = ServerProcess.start(command, args, environment, workingDirectory, onLog != null)
            val session = Session(process, refreshTokens, onLog)
            var client: ByokeyClient? = null
            try {
                val ownId = ProcessHandle.current().pid()
                val hello = InitializeParams(clientInfo, capabilities, ownId)
                val server = withTimeoutOrNull(startTimeout) { session.typedRequest(Methods.initialize, hello) }
                    ?: throw StartTimeoutException(startTimeout)
                session.notify(ClientNotifications.initialized.name)
                return ByokeyClient(session, server).also { client = it }
            } finally {
                if (client == null) withContext(NonCancellable + Dispatchers.IO) { session.close() }
            }
        }
    }
}

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
import byokey.protocol.RateLimitsReadParams
import byokey.protocol.RateLimitsReadResult
import byokey.protocol.RequestMethod
import byokey.protocol.ThreadResumeParams
import byokey.protocol.ThreadStartParams
import byokey.protocol.ThreadStartResult
import byokey.protocol.TurnInterruptParams
import byokey.protocol.TurnStartParams
import byokey.protocol.TurnStartResult
import byokey.protocol.UsageReadParams
import byokey.protocol.UsageReadResult
import byokey.protocol.WireType
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/** All requests by name, for [ByokeyClient.request]. */
public typealias Methods = ClientRequests

/**
 * A running `byokey app-server` and the connection to it. Created by [spawn].
 *
 * Calls may be made from any coroutine, concurrently. Cancelling the coroutine cancels the call at
 * the server. Calls throw the exceptions of [ByokeyException].
 */
public class ByokeyClient private constructor(
    private val session: Session,
    /** The server's description of itself. */
    public val server: InitializeResult,
) : AutoCloseable {
    /**
     * The server's notifications. Each collector gets those that arrive after it has started, and
     * the first one also earlier ones, up to 1,000 events. The flow ends with the connection.
     *
     * A collector that falls 100,000 events behind fails with [IllegalStateException].
     */
    public val events: Flow<Event> get() = session.hub.events

    /**
     * The account, kept current from the first use of this on, which reads it, as does every
     * `account/updated`. It is null without an account, before the first read, and after the end of
     * the server.
     */
    public val account: StateFlow<Account?> get() = session.account

    /** Id of the server's process. */
    public val pid: Long get() = session.pid

    /** Whether the connection has ended, by [close] or from the other side. */
    public val isClosed: Boolean get() = session.isEnded

    /** Starts a login. With tokens or a key it is in force when this returns. */
    public suspend fun login(params: LoginStartParams): LoginStartResult =
        request(Methods.accountLoginStart, params)

    /**
     * Signs in with the browser: [open] is given the page to open. Returns the account when the user
     * is done. Cancelling the coroutine cancels the login; it waits for at most 15 minutes.
     *
     * @throws LoginException if the login fails
     */
    public suspend fun loginInBrowser(open: suspend (String) -> Unit): AccountReadResult =
        waitForLogin(session, LoginStartParams.Chatgpt()) { started ->
            if (started is LoginStartResult.Chatgpt) open(started.authUrl)
        }

    /**
     * Signs in with a code that the user types on any device: [show] is given page and code.
     *
     * @throws LoginException if the login fails
     */
    public suspend fun loginWithDeviceCode(show: suspend (DeviceCode) -> Unit): AccountReadResult =
        waitForLogin(session, LoginStartParams.ChatgptDeviceCode()) { started ->
            if (started is LoginStartResult.ChatgptDeviceCode) {
                show(DeviceCode(started.verificationUrl, started.userCode))
            }
        }

    /** Cancels a pending login. */
    public suspend fun cancelLogin(loginId: String): LoginCancelResult =
        request(Methods.accountLoginCancel, LoginCancelParams(loginId))

    /** Completes a login in the browser with the address that the browser was redirected to. */
    public suspend fun completeLogin(loginId: String, redirectUrl: Secret) {
        request(Methods.accountLoginComplete, LoginCompleteParams(loginId, redirectUrl))
    }

    /** Logs out. If [revoke] is false, the login is not revoked at the issuer. */
    public suspend fun logout(revoke: Boolean? = null) {
        request(Methods.accountLogout, LogoutParams(revoke))
    }

    /** Returns the account, without network requests. */
    public suspend fun readAccount(): AccountReadResult =
        request(Methods.accountRead, AccountReadParams())

    /** Reads the rate limits from the backend. */
    public suspend fun readRateLimits(): RateLimitsReadResult =
        request(Methods.accountRateLimitsRead, RateLimitsReadParams())

    /** Reads the token usage from the backend. */
    public suspend fun readUsage(): UsageReadResult = request(Methods.accountUsageRead, UsageReadParams())

    /** Lists the available models of the backend. */
    public suspend fun listModels(): ModelListResult = request(Methods.modelList, ModelListParams())

    /** Starts a text conversation. */
    public suspend fun startThread(params: ThreadStartParams = ThreadStartParams()): ThreadStartResult =
        request(Methods.threadStart, params)

    /** Resumes a conversation of this server. */
    public suspend fun resumeThread(threadId: String): ThreadStartResult =
        request(Methods.threadResume, ThreadResumeParams(threadId))

    /** Starts a turn in a conversation. The answer is streamed as [events]. */
    public suspend fun startTurn(params: TurnStartParams): TurnStartResult =
        request(Methods.turnStart, params)

    /**
     * Asks one question and returns the whole answer.
     *
     * @param text the question
     * @param threadId the conversation that it belongs to; by default a new one
     * @param model the model; by default that of the conversation
     * @param onDelta called with each piece of the answer as it comes
     * @throws TurnFailedException if the turn ends without an answer
     */
    public suspend fun run(
        text: String,
        threadId: String? = null,
        model: String? = null,
        onDelta: suspend (String) -> Unit = {},
    ): RunResult =
        answerTo(session, questionOf(text, threadId ?: startThread().thread.id, model), onDelta)

    /** Interrupts a turn. */
    public suspend fun interruptTurn(threadId: String, turnId: String) {
        request(Methods.turnInterrupt, TurnInterruptParams(threadId, turnId))
    }

    /** Calls any method of [Methods]. */
    public suspend fun <P : WireType, R : WireType> request(method: RequestMethod<P, R>, params: P): R =
        session.typedRequest(method, params)

    /** Calls a method that this version does not know. */
    public suspend fun request(method: String, params: JsonObject = JsonObject()): JsonValue =
        session.request(method, params)

    /** Waits until the connection has ended and returns the server's exit status, if known. */
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
         * Starts the server and runs the handshake.
         *
         * @param clientInfo name and version of the host
         * @param refreshTokens supplies tokens when the backend has refused those in use, or
         *   [ServerOwnsLogin]
         * @param command the program; by default `BYOKEY_BIN`, then the program bundled with
         *   the package, then `byokey` on the search path
         * @param args its arguments
         * @param environment its whole environment; by default the host's
         * @param workingDirectory its working directory; by default the host's
         * @param capabilities the host's capabilities
         * @param onLog called with each line of the server's standard error, and with the redacted
         *   lines of a token command
         * @param startTimeout timeout of the handshake
         * @param refreshBearerToken supplies bearer tokens, if the host logs in with
         *   `LoginStartParams.BearerToken`
         * @throws ServerNotFoundException if the program cannot be started, or is another one
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
            refreshBearerToken: BearerTokenProvider? = null,
        ): ByokeyClient = SpawnOptions(
            clientInfo, refreshTokens, command, args, environment, workingDirectory, capabilities, onLog, startTimeout,
            refreshBearerToken,
        ).spawn(onEvent = {})

        /** Runs the handshake on a new [session], which it ends if that fails. */
        internal suspend fun of(session: Session, options: SpawnOptions): ByokeyClient {
            var client: ByokeyClient? = null
            try {
                val ownId = ProcessHandle.current().pid()
                val hello = InitializeParams(options.clientInfo, options.capabilities, ownId)
                val server = withTimeoutOrNull(options.startTimeout) { session.typedRequest(Methods.initialize, hello) }
                    ?: throw StartTimeoutException(options.startTimeout, session.launched)
                if (server.serverInfo?.name == "byokey") session.trust()
                session.notify(ClientNotifications.initialized.name)
                return ByokeyClient(session, server).also { client = it }
            } catch (closed: ConnectionClosedException) {
                throw explainEnd(closed, session.found)
            } finally {
                if (client == null) withContext(NonCancellable + Dispatchers.IO) { session.close() }
            }
        }
    }
}

package byokey

import byokey.protocol.Account
import byokey.protocol.ClientCapabilities
import byokey.protocol.ClientInfo
import byokey.protocol.ServerNotifications
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.getAndUpdate
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** A server that ran for so long had recovered. */
private val HEALTHY_AFTER = 30.seconds

/** How long a start that is under way may take to end when the supervisor is closed. */
private val GRACE = 3.seconds

/**
 * A server that is started again when it ends, until this is closed. Created by [start].
 *
 * The pauses between starts grow, so that a program that cannot run is not started for ever at full
 * speed. Collectors belong to the supervisor and hear every server; after a restart it signs in again
 * through the token provider.
 */
public class Supervisor private constructor(
    private val options: SpawnOptions,
    signIn: Boolean,
    private val onRestart: suspend (Restart) -> Unit,
    private val onClose: (ServerEnd) -> CloseAction,
    private val pauses: List<Duration>,
    bearerLogin: BearerLogin?,
) : AutoCloseable {
    private sealed interface State {
        object Waiting : State

        class Running(val client: ByokeyClient) : State

        object Ended : State
    }

    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default + CoroutineName("byokey supervisor"))
    private val state = MutableStateFlow<State>(State.Waiting)
    private val hub = EventHub()
    private val keeper = AccountKeeper(scope) { ready().readAccount().account }
    private val login = SupervisedLogin(options, signIn, bearerLogin) { client === it }
    private var keeping: Job? = null

    /** The server that runs; null while there is none. */
    public val client: ByokeyClient? get() = (state.value as? State.Running)?.client

    /** The notifications of this server and of those that follow it, as [ByokeyClient.events]. */
    public val events: Flow<Event> get() = hub.events

    /** The account, kept current over restarts from the first use of this on. */
    public val account: StateFlow<Account?> get() = keeper.account

    /**
     * Returns the server that runs, now or after the restart.
     *
     * @throws ByokeyException if there will be no other
     */
    public suspend fun ready(): ByokeyClient {
        val state = state.first { it is State.Ended || it is State.Running && !it.client.isClosed }
        return (state as? State.Running)?.client
            ?: throw ByokeyException("The supervisor was closed, or `onClose` did not restart the server.")
    }

    /** Asks the token provider and signs in, now and after each restart. */
    public suspend fun signIn() {
        login.request()
        login.signInTo(ready())
    }

    /** Signs out, also for the servers to come. Tokens that come later are not used. */
    public suspend fun signOut(): Unit = login.signOut(client)

    /** Waits until the server has ended and will not be started again. */
    public suspend fun awaitClosed() {
        state.first { it is State.Ended }
    }

    /**
     * Ends the server, for good. It blocks until the process has ended, as [ByokeyClient.close]
     * does. To end it from `onClose`, return [CloseAction.DoNotRestart] there.
     */
    override fun close() {
        val last = end()
        // A server that is being started must not be left behind.
        runBlocking { withTimeoutOrNull(GRACE) { keeping?.cancelAndJoin() } }
        (last as? State.Running)?.client?.close()
        scope.cancel()
    }

    override fun toString(): String = "Supervisor(${client ?: "no server"})"

    /** Starts the first server. */
    private suspend fun begin() {
        val client = spawn()
        if (login.isSignedIn) login.signInTo(client)
        keeping = scope.launch {
            try {
                keep(client)
            } finally {
                end()
            }
        }
    }

    private suspend fun spawn(): ByokeyClient {
        val client = options.spawn { event ->
            if (event.method == ServerNotifications.accountUpdated.name) keeper.update()
            hub.publish(event)
        }
        if (!state.compareAndSet(State.Waiting, State.Running(client))) {
            withContext(NonCancellable + Dispatchers.IO) { client.close() }
            throw CancellationException("The supervisor was closed.")
        }
        keeper.update()
        return client
    }

    /** Waits for the end of a server and starts the next, until [onClose] has enough. */
    private suspend fun keep(first: ByokeyClient) {
        var client = first
        var restarts = 0
        var endsInARow = 0
        while (true) {
            val started = TimeSource.Monotonic.markNow()
            var exitStatus = client.awaitClosed()
            state.update { if (it is State.Ended) it else State.Waiting }
            if (started.elapsedNow() > HEALTHY_AFTER) endsInARow = 0
            var error: ByokeyException? = null
            do {
                endsInARow++
                val pause = pauses.getOrNull(minOf(endsInARow, pauses.size) - 1) ?: Duration.ZERO
                if (onClose(ServerEnd(exitStatus, error, endsInARow, pause)) == CloseAction.DoNotRestart) return
                delay(pause)
                try {
                    client = spawn()
                    error = null
                } catch (failure: ByokeyException) {
                    exitStatus = null
                    error = failure
                }
            } while (error != null)
            val restart = Restart(client, restarts + 1, login.signInAgain(client))
            if (client.isClosed) continue
            restarts++
            // Apart, so that an exception of the host's function does not end the supervision.
            scope.launch(start = CoroutineStart.UNDISPATCHED) { onRestart(restart) }
        }
    }

    /** Ends the streams, and returns what was before. */
    private fun end(): State {
        val before = state.getAndUpdate { State.Ended }
        hub.end()
        keeper.end()
        return before
    }

    public companion object {
        /** Pauses before the first, second, … start in a row; the last one is the ceiling. */
        public val PAUSES: List<Duration> = listOf(100.milliseconds, 500.milliseconds, 2.seconds, 10.seconds, 60.seconds)

        /**
         * Starts a server, signs in, and keeps it running.
         *
         * The parameters up to `startTimeout` are those of [ByokeyClient.spawn]; the first start
         * fails as that does, or as the login does.
         *
         * @param signIn whether to sign in through the token provider at the start and at each
         *   restart; by default, if there is one, or a [bearerLogin]
         * @param onRestart called when a new server runs and is signed in
         * @param onClose decides what follows the end of a server; by default it is always started
         *   again
         * @param pauses the pauses before the first, second, … start in a row
         * @param refreshBearerToken as for [ByokeyClient.spawn]
         * @param bearerLogin has it sign in with a bearer token of [refreshBearerToken], which is asked
         *   with the reason `login`, instead of ChatGPT tokens
         * @throws IllegalArgumentException if there is a [bearerLogin] and no [refreshBearerToken]
         */
        public suspend fun start(
            clientInfo: ClientInfo,
            refreshTokens: TokenProvider,
            command: String? = null,
            args: List<String> = listOf("app-server"),
            environment: Map<String, String>? = null,
            workingDirectory: File? = null,
            capabilities: ClientCapabilities? = null,
            onLog: ((String) -> Unit)? = null,
            startTimeout: Duration = 10.seconds,
            signIn: Boolean? = null,
            onRestart: suspend (Restart) -> Unit = {},
            onClose: (ServerEnd) -> CloseAction = { CloseAction.Restart },
            pauses: List<Duration> = PAUSES,
            refreshBearerToken: BearerTokenProvider? = null,
            bearerLogin: BearerLogin? = null,
        ): Supervisor {
            require(bearerLogin == null || refreshBearerToken != null) {
                "`bearerLogin` needs `refreshBearerToken`, which supplies its tokens"
            }
            val options = SpawnOptions(
                clientInfo, refreshTokens, command, args, environment, workingDirectory, capabilities, onLog, startTimeout,
                refreshBearerToken,
            )
            val signsIn = signIn ?: (bearerLogin != null || refreshTokens !== ServerOwnsLogin)
            val supervisor = Supervisor(options, signsIn, onRestart, onClose, pauses, bearerLogin)
            var hasStarted = false
            try {
                supervisor.begin()
                hasStarted = true
            } finally {
                if (!hasStarted) withContext(NonCancellable + Dispatchers.IO) { supervisor.close() }
            }
            return supervisor
        }
    }
}

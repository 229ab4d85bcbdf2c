package byokey.sample

import byokey.ByokeyClient
import byokey.ByokeyException
import byokey.Secret
import byokey.protocol.Account
import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import byokey.toLogin
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import java.nio.file.Path
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

/** In the plugin: `PasswordSafe.instance.getPassword(CredentialAttributes(…))`. It blocks, so it suspends here. */
fun interface TokenStore {
    suspend fun token(): Secret?
}

/** In the plugin: a `@Service` whose constructor is given the scope; the platform cancels it. */
class AccountService(
    private val scope: CoroutineScope,
    private val pluginFolder: Path,
    private val store: TokenStore,
    private val workspace: String,
    private val log: (String) -> Unit,
) {
    private val current = MutableStateFlow<Account?>(null)

    /** The account; collect it on the event dispatch thread to show it. */
    val account: StateFlow<Account?> get() = current

    private suspend fun tokens(): ExternalTokens =
        ExternalTokens(checkNotNull(store.token()) { "no token is stored" }, workspace)

    /** Keeps a server running until the scope is cancelled. Never call it where the UI waits. */
    fun start(): Job = scope.launch {
        var pause = 100.milliseconds
        while (true) {
            try {
                runOnce()
                pause = 100.milliseconds
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (failure: ByokeyException) {
                log(failure.message.orEmpty())
            } catch (failure: IllegalStateException) {
                log(failure.message.orEmpty())
            }
            delay(pause)
            pause = minOf(pause * 5, 1.minutes)
        }
    }

    private suspend fun runOnce() {
        val command = pluginFolder.resolve("bin/byokey").toString()
        val host = ClientInfo("my-plugin", version = "1.0")
        ByokeyClient.spawn(host, { tokens() }, command = command, onLog = log).use { client ->
            client.login(tokens().toLogin())
            current.value = client.readAccount().account
            // It ends with the server; then the next one is started.
            client.events.collect { current.value = client.account.value ?: current.value }
        }
        current.value = null
    }
}

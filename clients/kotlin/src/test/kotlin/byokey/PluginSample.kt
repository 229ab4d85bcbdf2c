package byokey.sample

import byokey.ByokeyException
import byokey.Secret
import byokey.Supervisor
import byokey.protocol.Account
import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import java.nio.file.Path

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
        val command = pluginFolder.resolve("bin/byokey").toString()
        try {
            Supervisor.start(ClientInfo("my-plugin", version = "1.0"), { tokens() }, command, onLog = log).use { supervisor ->
                supervisor.account.collect { current.value = it }
            }
        } catch (failure: ByokeyException) {
            // The first start or login failed; a later end is followed by a restart.
            log(failure.message.orEmpty())
        }
    }
}

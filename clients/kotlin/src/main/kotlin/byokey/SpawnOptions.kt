package byokey

import byokey.protocol.ClientCapabilities
import byokey.protocol.ClientInfo
import java.io.File
import kotlin.time.Duration

/** The options of [ByokeyClient.spawn], also for starting again. */
internal class SpawnOptions(
    val clientInfo: ClientInfo,
    val refreshTokens: TokenProvider,
    private val command: String?,
    private val args: List<String>,
    private val environment: Map<String, String>?,
    private val workingDirectory: File?,
    val capabilities: ClientCapabilities?,
    val onLog: ((String) -> Unit)?,
    val startTimeout: Duration,
    val refreshBearerToken: BearerTokenProvider?,
) {
    /** Starts a server; [onEvent] is called with each of its events. */
    suspend fun spawn(onEvent: (Event) -> Unit): ByokeyClient {
        val process = ServerProcess.start(command, args, environment, workingDirectory)
        return ByokeyClient.of(Session(process, refreshTokens, refreshBearerToken, onLog, onEvent), this)
    }
}

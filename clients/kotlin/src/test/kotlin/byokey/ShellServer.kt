package byokey

import byokey.protocol.ClientInfo
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private const val HELLO = """{"id":1,"result":{"userAgent":"made up","codexHome":"/nowhere",
"platformFamily":"unix","platformOs":"linux","serverInfo":{"name":"byokey","version":"0.0.0",
"protocolVersion":"1"},"hardening":{"wipingAllocator":true,
"filesReadOnly":false}}}"""

/** Returns a client of a server that runs the handshake and then some shell commands. */
internal suspend fun spawnShell(
    script: String,
    refreshTokens: TokenProvider = TokenProvider { error("nobody asks") },
    onLog: ((String) -> Unit)? = null,
): ByokeyClient = withTimeout(LONG.seconds) {
    ByokeyClient.spawn(
        ClientInfo("test", version = "1"),
        refreshTokens,
        command = "/bin/sh",
        args = shell("read hello; echo '${HELLO.replace("\n", "")}'; read initialized; $script").drop(1),
        onLog = onLog,
    )
}

internal suspend fun waitUntil(what: String, holds: () -> Boolean) {
    val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONG)
    while (!holds()) {
        check(System.nanoTime() < end) { "in vain: $what" }
        delay(10.milliseconds)
    }
}

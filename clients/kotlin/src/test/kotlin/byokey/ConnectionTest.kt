package byokey

import byokey.json.JsonNull
import byokey.json.JsonObject
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.seconds

/** Connections whose peer does not read. */
class ConnectionTest {
    @Test
    fun `a call that waits for room in a full line fails when the connection ends`(): Unit = runBlocking {
        val connection = Connection(this, { _, _ -> JsonNull }, { _, _ -> })
        val calls = List(200) {
            async(start = CoroutineStart.UNDISPATCHED) { runCatching { connection.request("some/call", JsonObject()) } }
        }
        connection.end(End(3))
        for (call in calls) {
            val failure = withTimeout(LONG.seconds) { call.await() }.exceptionOrNull()
            assertEquals(3, (failure as ConnectionClosedException).exitStatus)
        }
    }

    @Test
    fun `a call is given up at once, even if the line is full`(): Unit = runBlocking {
        val connection = Connection(this, { _, _ -> JsonNull }, { _, _ -> })
        val calls = List(200) {
            async(start = CoroutineStart.UNDISPATCHED) { connection.request("some/call", JsonObject()) }
        }
        for (call in calls) withTimeout(LONG.seconds) { call.cancelAndJoin() }
        coroutineContext.cancelChildren()
    }
}

package byokey

import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.protocol.ErrorKind
import byokey.protocol.TurnStatus
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.seconds

/** One question and its whole answer. */
class RunTest {
    @Test
    fun `run gives the pieces of an answer, and the whole`(): Unit = runBlocking {
        val lines = "text = start(); delta('one '); delta('of another', 'v'); item('of another', 'v'); delta('two')\n" +
            "item(text); end('completed'); ask()"
        spawnMadeUp(TURNS, lines).use { client ->
            val pieces = ArrayList<String>()
            val result = withTimeout(LONG.seconds) { client.run("Hello", threadId = "t") { pieces += it } }
            assertEquals(listOf("one ", "two"), pieces)
            assertEquals(listOf("t: Hello", "t", TurnStatus.Completed), listOf(result.text, result.threadId, result.turn.status))
        }
    }

    @Test
    fun `a run takes no events from the host that collects later`(): Unit = runBlocking {
        spawnMadeUp(TURNS, "send(method='early', params={}); start(); end('completed'); ask()").use { client ->
            withTimeout(LONG.seconds) { client.run("Hello", threadId = "t") }
            assertEquals("early", withTimeout(LONG.seconds) { client.events.first() }.method)
        }
    }

    @Test
    fun `a turn that fails says why`(): Unit = runBlocking {
        val error = "{'message': 'used up until 17:00, eyJtYWRlLXVwIjp0cnVlfQ.x', 'codexErrorInfo': 'usageLimitExceeded'}"
        spawnMadeUp(TURNS, "start(); end('failed', $error); ask()").use { client ->
            val failure = runCatching { client.run("Hello", threadId = "t") }.exceptionOrNull() as TurnFailedException
            assertEquals(ErrorKind.UsageLimitExceeded, failure.kind)
            assertEquals(
                "The turn failed (usageLimitExceeded). used up until 17:00, [redacted]. " +
                    "The plan's limit is reached: `readRateLimits` says when it is reset.",
                failure.message,
            )
        }
    }

    @Test
    fun `a run that is cancelled interrupts its turn`(): Unit = runBlocking {
        spawnMadeUp(TURNS, "start(); delta('one'); send(method='saw', params=ask()); ask()").use { client ->
            val saw = async(start = CoroutineStart.UNDISPATCHED) { client.events.first { it.method == "saw" } }
            val came = CompletableDeferred<Unit>()
            val run = launch { client.run("Hello", threadId = "t") { came.complete(Unit) } }
            withTimeout(LONG.seconds) { came.await() }
            run.cancelAndJoin()
            val seen = withTimeout(LONG.seconds) { saw.await() }.json as JsonObject
            assertEquals(JsonString("turn/interrupt"), seen["method"])
        }
    }

    @Test
    fun `a server that ends fails the run`(): Unit = runBlocking {
        spawnMadeUp(TURNS, "start(); sys.exit(3)").use { client ->
            val failure = withTimeout(LONG.seconds) { runCatching { client.run("Hello", threadId = "t") } }.exceptionOrNull()
            assertEquals(3, (failure as ConnectionClosedException).exitStatus)
        }
    }

    @Test
    fun `run streams an answer of the backend`(): Unit = runBlocking {
        DevBackend().use { backend ->
            ByokeyClient.spawn(TEST_HOST, ServerOwnsLogin, byokeyProgram(), backend.serverArgs).use { client ->
                client.login(MADE_UP_LOGIN)
                val pieces = StringBuilder()
                val first = client.run("Hello", onDelta = { pieces.append(it) })
                assertTrue(first.text.isNotEmpty())
                assertEquals(first.text, "$pieces")
                assertEquals(first.threadId, client.run("More", first.threadId).threadId)
                assertFalse(first.text in "$first")
            }
        }
    }
}

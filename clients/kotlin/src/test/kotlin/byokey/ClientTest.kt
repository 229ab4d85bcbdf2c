package byokey

import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import byokey.protocol.PlanType
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.count
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

class ClientTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun `the log is given line by line, even to a function that throws`(): Unit = runBlocking {
        val lines = ArrayList<String>()
        val script = "echo one >&2; echo two >&2; echo half >&2; cat >/dev/null"
        spawnShell(script, onLog = {
            synchronized(lines) { lines += it }
            error("made up")
        }).use {
            waitUntil("three lines") { synchronized(lines) { lines.size == 3 } }
        }
        assertEquals(listOf("one", "two", "half"), lines)
    }

    @Test
    fun `an idle client holds two threads, for its output and its log`(): Unit = runBlocking {
        fun waiting() = Thread.getAllStackTraces().values
            .count { frames -> frames.any { it.className.startsWith("byokey.LineReader") } }
        spawnShell("cat >/dev/null").use { waitUntil("two threads") { waiting() == 2 } }
        waitUntil("no thread") { waiting() == 0 }
    }

    @Test
    fun `closing ends the events and the calls, and may be done twice`(): Unit = runBlocking {
        val client = spawnShell("cat >/dev/null")
        val events = async(start = CoroutineStart.UNDISPATCHED) { client.events.count() }
        assertFalse(client.isClosed)
        client.close()
        client.close()
        assertTrue(client.isClosed)
        assertEquals(0, withTimeout(LONG.seconds) { events.await() })
        assertTrue(runCatching { client.readAccount() }.exceptionOrNull() is ConnectionClosedException)
        assertEquals(0, client.awaitClosed())
    }

    @Test
    fun `whoever first uses the account at an update has it read once`(): Unit = runBlocking {
        val update = """{"method":"account/updated","params":{"authMode":null,"planType":null}}"""
        val answer = """{"id":'${'$'}id',"result":{"account":null,"requiresOpenaiAuth":true,"asked":'${'$'}id'}}"""
        val script = "read begin; echo '$update'; id=2; while echo '$answer'; read l; do id=${'$'}((id+1)); done"
        spawnShell(script).use { client ->
            val heard = async(Dispatchers.Unconfined) {
                client.events.first()
                client.account
                Thread.sleep(200) // Delays everything else that follows the update.
            }
            client.request("begin")
            heard.await()
            delay(200.milliseconds)
            val answered = client.request("how/many") as JsonObject
            assertEquals(JsonNumber(4), answered["asked"], "behind initialize, begin and one account/read")
        }
    }

    @Test
    fun `a server that takes nothing more does not hold closing up`(): Unit = runBlocking {
        val client = spawnShell("trap '' TERM; while :; do sleep 1; done")
        val large = JsonObject("padding" to JsonString("x".repeat(100_000)))
        val calls = List(100) { async { runCatching { client.request("some/call", large) } } }
        val given = launch(start = CoroutineStart.UNDISPATCHED) { client.request("some/call", large) }
        waitUntil("the pipe is full") { calls.any { it.isActive } }
        given.cancel()
        val took = measureTime { client.close() }
        assertTrue(took < 3.seconds, "closing took $took")
        for (call in calls) {
            val outcome = withTimeout(LONG.seconds) { call.await() }
            assertTrue(outcome.exceptionOrNull() is ConnectionClosedException)
        }
    }

    @Test
    fun `the end of the process counts, even if a child of it holds the line open`(): Unit = runBlocking {
        val child = File(folder.toFile(), "child")
        spawnShell("sleep 60 & echo ${'$'}! >$child; exit 4").use { client ->
            assertEquals(4, withTimeout(10.seconds) { client.awaitClosed() })
        }
        endProcessIn(child)
    }

    @Test
    fun `the end of the line counts, even if the process goes on`(): Unit = runBlocking {
        spawnShell("exec >&-; exec sleep 600").use { client ->
            withTimeout(10.seconds) { client.awaitClosed() }
            waitUntil("the process is ended") { !ProcessHandle.of(client.pid).map { it.isAlive }.orElse(false) }
        }
    }

    @Test
    fun `spawning that fails or is given up leaves no process behind`(): Unit = runBlocking {
        val pid = File(folder.toFile(), "pid")
        suspend fun spawn(script: String) =
            ByokeyClient.spawn(ClientInfo("test", version = "1"), { error("") }, "/bin/sh", listOf("-c", script))

        assertNull(withTimeoutOrNull(500.milliseconds) { spawn("echo $$ >$pid; exec sleep 600") })
        assertFalse(ProcessHandle.of(pid.readText().trim().toLong()).map { it.isAlive }.orElse(false))

        val closed = runCatching { spawn("exit 3") }.exceptionOrNull() as ConnectionClosedException
        assertEquals(3, closed.exitStatus)
    }

    @Test
    fun `an answer of another shape is an error that says where, and not what`(): Unit = runBlocking {
        val answer = """{"id":2,"result":{"account":{"type":"chatgpt","planType":["made-up"]},"requiresOpenaiAuth":true}}"""
        spawnShell("read call; echo '$answer'; cat >/dev/null").use { client ->
            val failure = runCatching { client.readAccount() }.exceptionOrNull()
            assertEquals(ByokeyException::class.java, failure?.javaClass)
            assertTrue("account.planType" in failure!!.message!!, failure.message)
            assertFalse("made-up" in failure.stackTraceToString())
        }
    }

    @Test
    fun `whatever a provider throws, the server is answered at once`(): Unit = runBlocking {
        val providers = listOf(
            TokenProvider { error("made-up-secret") },
            TokenProvider { throw NotImplementedError("made-up-secret") },
            TokenProvider { withTimeout(1.milliseconds) { awaitCancellation() } },
            TokenProvider { throw kotlinx.coroutines.CancellationException("made-up-secret") },
        )
        for ((index, provider) in providers.withIndex()) {
            val told = File(folder.toFile(), "told$index")
            val ask = """{"id":"r","method":"account/chatgptAuthTokens/refresh","params":{"reason":"unauthorized"}}"""
            spawnShell("echo '$ask'; read answer; echo \"${'$'}answer\" >$told; cat >/dev/null", provider).use {
                waitUntil("an answer") { told.exists() && told.readText().endsWith("\n") }
            }
            assertTrue("-32000" in told.readText(), told.readText())
            assertFalse("made-up" in told.readText(), told.readText())
        }
    }

    @Test
    fun `of what a provider returns only the three members are sent`(): Unit = runBlocking {
        val told = File(folder.toFile(), "told")
        val ask = """{"id":"r","method":"account/chatgptAuthTokens/refresh","params":{"reason":"unauthorized"}}"""
        val provider = TokenProvider { ExternalTokens(Secret("made.up.one"), "ws-ada", PlanType.Pro, Secret("made.up.two")) }
        spawnShell("echo '$ask'; read answer; echo \"${'$'}answer\" >$told; cat >/dev/null", provider).use {
            waitUntil("an answer") { told.exists() && told.readText().endsWith("\n") }
        }
        val result = """{"accessToken":"made.up.one","chatgptAccountId":"ws-ada","chatgptPlanType":"pro"}"""
        assertEquals("""{"id":"r","result":$result}""", told.readText().trim())
    }

    @Test
    fun `what the server told about itself is kept`(): Unit = runBlocking {
        spawnShell("cat >/dev/null").use { client ->
            assertEquals("byokey", client.server.serverInfo?.name)
            assertNotNull(ProcessHandle.of(client.pid).orElse(null))
        }
    }
}

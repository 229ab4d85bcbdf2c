package byokey

import byokey.protocol.ExternalTokens
import byokey.protocol.RefreshParams
import byokey.protocol.RefreshReason
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

private val EXPIRING = RefreshParams(RefreshReason.Expiring, "ws-ada")
private val UNAUTHORIZED = RefreshParams(RefreshReason.Unauthorized, "ws-ada")

class CommandTokensTest {
    @TempDir
    lateinit var folder: Path

    private fun ask(script: String, timeout: Duration = 20.seconds, request: RefreshParams = EXPIRING) =
        runBlocking { runCatching { commandTokens(shell(script), timeout).tokens(request) } }

    private fun failure(script: String, timeout: Duration = 20.seconds): String {
        val failure = ask(script, timeout).exceptionOrNull()
        assertTrue(failure is TokenProviderException, "$failure")
        assertFalse("made-up" in failure!!.stackTraceToString(), "what was printed is shown")
        return failure.message.orEmpty()
    }

    @Test
    fun `a command is told why it is asked, and for whom`() {
        val tokens = ask(
            """printf '{"accessToken":"%s","chatgptAccountId":"%s"}' "${'$'}BYOKEY_REFRESH_REASON" """ +
                "\"\$BYOKEY_PREVIOUS_ACCOUNT_ID\"",
            request = UNAUTHORIZED,
        ).getOrThrow()
        assertEquals("unauthorized", tokens.accessToken.expose())
        assertEquals("ws-ada", tokens.chatgptAccountId)
    }

    @Test
    fun `a command that fails, prints something else or is not there is an error without what it printed`() {
        assertTrue("exit status 3" in failure("echo made-up; echo made-up >&2; exit 3"))
        assertTrue("something else" in failure("echo made-up-secret"))
        assertTrue("accessToken" in failure("""echo '{"accessToken":17,"chatgptAccountId":"made-up"}'"""))
        assertTrue("chatgptAccountId" in failure("""echo '{"accessToken":"made-up"}'"""))
        assertTrue("expiresAt" in failure("""echo '{"accessToken":"made-up","chatgptAccountId":"w","expiresAt":"x"}'"""))
        assertTrue("another shape" in failure("echo '[]'"))
        assertTrue("too much" in failure("head -c 3000000 /dev/zero"))
        val missing = runBlocking { runCatching { commandTokens(listOf("/nowhere/made-up")).tokens(EXPIRING) } }
        assertTrue(missing.exceptionOrNull() is TokenProviderException)
    }

    @Test
    fun `what a command writes to standard error reaches the log of the client that asks, redacted`(): Unit = runBlocking {
        val script = "echo run my-login, it was eyJtYWRlLXVwIjp0cnVlfQ.made-up >&2; exit 3"
        val ask = """{"id":"r","method":"account/chatgptAuthTokens/refresh","params":{"reason":"unauthorized"}}"""
        val log = CopyOnWriteArrayList<String>()
        spawnShell("echo '$ask'; read answer; cat >/dev/null", commandTokens(shell(script)), onLog = { log += it }).use {
            waitUntil("a line") { log.isNotEmpty() }
        }
        val own = CopyOnWriteArrayList<String>()
        val failure = runCatching { commandTokens(shell(script), onLog = { own += it }).tokens() }.exceptionOrNull()
        assertFalse("my-login" in failure!!.stackTraceToString())
        assertEquals(listOf("[token command] run my-login, it was [redacted]"), own.toList())
        assertEquals(own.toList(), log.toList())
    }

    @Test
    fun `a command that takes too long is ended with its children`() {
        val pids = File(folder.toFile(), "pids")
        val took = measureTime {
            val message = failure("sleep 600 & echo ${'$'}! ${'$'}${'$'} >$pids; sleep 600; wait", 700.milliseconds)
            assertTrue("700ms" in message, message)
        }
        assertTrue(took < 10.seconds, "it took $took")
        assertGone(pids)
    }

    @Test
    fun `a call that is given up ends the command`(): Unit = runBlocking {
        val pids = File(folder.toFile(), "pids")
        val call = launch { commandTokens(shell("echo $$ >$pids; sleep 600"), 60.seconds).tokens(EXPIRING) }
        while (!pids.exists() || pids.length() == 0L) delay(10.milliseconds)
        call.cancelAndJoin()
        assertGone(pids)
    }

    @Test
    fun `a child that holds the output open does not hold the answer up`() {
        val child = File(folder.toFile(), "child")
        val answer = """{"accessToken":"made-up","chatgptAccountId":"ws-ada"}"""
        val took = measureTime { ask("sleep 60 & echo ${'$'}! >$child; echo '$answer'").getOrThrow() }
        endProcessIn(child)
        assertTrue(took < 10.seconds, "it took $took")
    }

    private fun assertGone(pids: File) = runBlocking {
        val processes = pids.readText().split(Regex("\\s+")).filter { it.isNotEmpty() }.map(String::toLong)
        assertTrue(processes.isNotEmpty())
        for (pid in processes) {
            repeat(200) { if (isAlive(pid)) delay(10.milliseconds) }
            assertFalse(isAlive(pid), "process $pid still runs")
        }
    }

    // A zombie counts as ended, too.
    private fun isAlive(pid: Long): Boolean {
        val status = File("/proc/$pid/stat")
        return try {
            status.readText().substringAfterLast(") ").first() !in "ZX"
        } catch (_: java.io.IOException) {
            false
        }
    }

    /** A provider whose command numbers its answers, with a clock set by the test. */
    private class Counting(var now: Long = 1_000, val expiresAt: String? = null) {
        var runs = 0
        val provider = CommandTokens(
            run = {
                runs++
                delay(1)
                val expiry = expiresAt?.let { ""","expiresAt":$it""" }.orEmpty()
                """{"accessToken":"made-up-$runs","chatgptAccountId":"ws-ada"$expiry}"""
            },
            now = { now },
        )

        suspend fun ask(reason: RefreshReason, account: String? = "ws-ada"): String =
            provider.tokens(RefreshParams(reason, account)).accessToken.expose()
    }

    @Test
    fun `what was printed is kept until a minute before it expires`(): Unit = runBlocking {
        val counting = Counting(expiresAt = "2000.5")
        assertEquals("made-up-1", counting.ask(RefreshReason.Expiring))
        counting.now = 1_939
        assertEquals("made-up-1", counting.ask(RefreshReason.Expiring))
        counting.now = 1_940
        assertEquals("made-up-2", counting.ask(RefreshReason.Expiring))
    }

    @Test
    fun `what was printed is not kept when the backend refused it, or for another account`(): Unit = runBlocking {
        val counting = Counting(expiresAt = "9999")
        assertEquals("made-up-1", counting.ask(RefreshReason.Unauthorized))
        assertEquals("made-up-1", counting.ask(RefreshReason.Expiring, account = null))
        assertEquals("made-up-2", counting.ask(RefreshReason.Unauthorized))
        assertEquals("made-up-3", counting.ask(RefreshReason.Expiring, account = "ws-bob"))
    }

    @Test
    fun `tokens without an expiry are kept, but not when the server says that they expire`(): Unit = runBlocking {
        val counting = Counting()
        assertEquals("made-up-1", counting.ask(RefreshReason("another")))
        assertEquals("made-up-1", counting.ask(RefreshReason("another")))
        assertEquals("made-up-2", counting.ask(RefreshReason.Expiring))
    }

    @Test
    fun `the first login is asked for with a reason of its own`(): Unit = runBlocking {
        val requests = ArrayList<RefreshParams>()
        val provider = TokenProvider { request -> ExternalTokens(Secret("made-up"), "ws-ada").also { requests += request } }
        provider.tokens()
        assertEquals(listOf(RefreshParams(RefreshReason("login"), null)), requests)
    }

    @Test
    fun `many who ask at once get one answer`(): Unit = runBlocking {
        val counting = Counting(expiresAt = "9999")
        val answers = List(20) { async { counting.ask(RefreshReason.Expiring) } }.awaitAll()
        assertEquals(setOf("made-up-1"), answers.toSet())
    }
}

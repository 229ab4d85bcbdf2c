package byokey

import byokey.json.JsonArray
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonValue
import byokey.suite.SUITE
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import java.nio.file.Files
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private const val MADE_UP = "eyJtYWRlLXVwIjp0cnVlfQ.made-up"

/** What errors say of the program that was started. */
class ProgramsTest {
    // Its path is shown: short enough to be no token.
    private val folder = Files.createTempDirectory("b").toFile()

    @AfterEach
    fun remove() {
        folder.deleteRecursively()
    }

    /** A program that does not know its arguments. */
    private fun stranger(version: String): String = File(folder, "byokey").run {
        writeText(
            "#!/bin/sh\ncase \"\$1\" in --version) echo \"$version\" ;; " +
                "*) echo \"error: unrecognized subcommand '\$1'\" >&2; exit 2 ;; esac\n",
        )
        setExecutable(true)
        path
    }

    private suspend fun failure(command: String, args: List<String>, startTimeout: Duration = LONG.seconds) =
        runCatching { ByokeyClient.spawn(TEST_HOST, ServerOwnsLogin, command, args, startTimeout = startTimeout) }
            .exceptionOrNull()

    @Test
    fun `another program is recognised and named`(): Unit = runBlocking {
        val command = stranger("byokey 1.4.2")
        val failure = failure(command, listOf("app-server")) as ServerNotFoundException
        assertTrue("is another program, which calls itself \"byokey 1.4.2\" (`$command app-server`)" in failure.message!!, failure.message)
        assertEquals(listOf("error: unrecognized subcommand 'app-server'"), failure.lastLog)
        val silent = failure(stranger(""), listOf("app-server")) as ServerNotFoundException
        assertTrue("is another program (`" in silent.message!!, silent.message)
    }

    @Test
    fun `our own program is not another one`(): Unit = runBlocking {
        val failure = failure(stranger("codex-cli 0.169.0 (byokey 0.1.0)"), listOf("app-servr")) as ConnectionClosedException
        assertEquals(2, failure.exitStatus)
        assertTrue("unrecognized subcommand 'app-servr'" in failure.message!!, failure.message)
    }

    @Test
    fun `an end says which program it was, and what it wrote last, without secrets`(): Unit = runBlocking {
        val lines = "for n in range(30): print('line', n, file=sys.stderr)\n" +
            "print('bearer $MADE_UP was refused', file=sys.stderr, flush=True); ask(); sys.exit(3)"
        spawnMadeUp(lines).use { client ->
            val failure = runCatching { client.request("end") }.exceptionOrNull() as ConnectionClosedException
            assertEquals("python3", failure.command)
            assertEquals(10, failure.lastLog.size)
            assertTrue("\n  line 29\n  bearer [redacted] was refused" in failure.message!!, failure.message)
            assertFalse(MADE_UP in failure.stackTraceToString())
        }
    }

    @Test
    fun `a start that takes too long says the same`(): Unit = runBlocking {
        val failure = failure("/bin/sh", listOf("-c", "echo waiting for a network >&2; exec sleep 60"), 1500.milliseconds)
        assertEquals(listOf("waiting for a network"), (failure as StartTimeoutException).lastLog)
        assertTrue("(`/bin/sh -c" in failure.message!!, failure.message)
    }

    @Test
    fun `what may be a secret is redacted, and what helps is not`() {
        val known = JsonValue.parse(File(SUITE, "redaction.json").readText()) as JsonObject
        fun all(name: String) = known[name] as JsonArray
        fun text(value: JsonValue?) = (value as JsonString).value
        fun texts(name: String) = all(name).map(::text)
        for (plain in texts("plain")) assertEquals(plain, redact(plain))
        for (token in texts("tokens")) {
            for (around in texts("around")) assertFalse(token in redact(around.replace("\$token", token)), around)
        }
        for (word in all("words").map { it as JsonObject }) {
            val shown = redact(text(word["text"]))
            assertFalse(text(word["secret"]) in shown, shown)
        }
        for (secret in listOf(MADE_UP, "A".repeat(24))) {
            assertFalse(secret in redact("it is \"$secret\", x=$secret, or $secret."))
        }
        assertEquals("Authorization: Bearer [redacted]", redact("Authorization: Bearer short"))
        assertEquals("https://[redacted]@proxy.test", redact("https://ada:pass@proxy.test"))
        assertEquals("one two [31m three 4m", redact("one\ntwo\u001b[31m\u0085three\u009b4m"))
        assertEquals(
            listOf("-c", "x.token=…", "-c", "url=http://127.0.0.1:1/b", "port=80"),
            redactArguments(listOf("-c", "x.token=abc", "-c", "url=http://127.0.0.1:1/b", "port=80")),
        )
    }

    @Test
    fun `a secret that is cut is not shown`() {
        for (secret in listOf("sk-made-up-0123456789", "https://ada:made-up-password@proxy.test")) {
            assertEquals("[redacted] …", redact("x".repeat(1986) + " " + secret))
        }
        assertEquals("…", redact("/".repeat(2001)))
    }
}

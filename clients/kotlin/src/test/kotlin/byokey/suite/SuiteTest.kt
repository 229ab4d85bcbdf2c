package byokey.suite

import byokey.ByokeyClient
import byokey.DevBackend
import byokey.LONG
import byokey.Supervisor
import byokey.byokeyProgram
import byokey.codexProgram
import byokey.json.JsonString
import byokey.protocol.ClientCapabilities
import byokey.protocol.ClientInfo
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

/** The suite's limit for closing, whatever is pending. */
private val CLOSING = 3.seconds

/** Every transcript of `clients/suite`, each a test. */
class SuiteTest {
    @TempDir
    lateinit var folder: Path

    @TestFactory
    fun `against the scripted server`(): List<DynamicTest> =
        Transcript.all().filter { it.isScripted }.map { dynamicTest(it.name) { playScripted(it) } }

    @TestFactory
    fun `against the real server`(): List<DynamicTest> =
        Transcript.all().filter { it.backend != null }.map { dynamicTest(it.name) { playReal(it) } }

    @TestFactory
    fun `against codex`(): List<DynamicTest> =
        Transcript.all().filter { it.isForCodex }.map { dynamicTest(it.name) { playCodex(it) } }

    private fun playScripted(transcript: Transcript) {
        val report = File(folder.toFile(), transcript.name)
        val script = listOf(File(SUITE, "scripted_server.py"), transcript.file, report).map(File::getPath)
        val outcome = runCatching { play(transcript, "python3", script) }
        val told = if (report.exists()) report.readText() else "nothing"
        assertEquals("ok", told, "${transcript.name}: the scripted server; the client: ${outcome.exceptionOrNull()}")
        outcome.getOrThrow()
    }

    private fun playReal(transcript: Transcript) {
        DevBackend(transcript.backend!!.toJson()).use { backend ->
            val settings = transcript.settings.flatMap { listOf("-c", it.replace("\$backend", backend.url)) }
            val there = Transcript(transcript.file, mapOf("backend" to JsonString(backend.url)))
            play(there, byokeyProgram(), backend.serverArgs + settings)
        }
    }

    private fun playCodex(transcript: Transcript) {
        val program = codexProgram()
        assumeTrue(program != null, "skipped: codex is not installed; tests/codex/setup.sh installs it")
        val home = File(folder.toFile(), "home").also { it.mkdir() }.path
        val environment = System.getenv() + mapOf("HOME" to home, "CODEX_HOME" to home)
        play(transcript, checkNotNull(program), listOf("app-server"), environment)
    }

    private fun play(
        transcript: Transcript,
        command: String,
        args: List<String>,
        environment: Map<String, String>? = null,
    ) = runBlocking {
        val watched = Watched(ScriptedProvider(transcript.refresh))
        val capabilities = transcript.capabilities?.let(ClientCapabilities::fromJson)
        val onLog = { line: String -> watched.log.update { it + line } }
        if (transcript.isSupervised) {
            val supervisor = Supervisor.start(
                HOST, watched.provider, command, args, environment, null, capabilities, onLog, transcript.startTimeout,
                onRestart = { watched.restarts.value = it.restarts }, pauses = listOf(10.milliseconds),
                refreshBearerToken = watched.provider, bearerLogin = transcript.bearerLogin,
            )
            playing(supervisor) { Player(this, supervisor.events, watched, supervisor::ready).play(transcript.client) }
            return@runBlocking
        }
        suspend fun spawn() = withTimeout(LONG.seconds) {
            ByokeyClient.spawn(
                HOST, watched.provider, command, args, environment, null, capabilities, onLog, transcript.startTimeout,
                watched.provider,
            )
        }
        transcript.spawnFails?.let { name ->
            checkFailure(runCatching { spawn() }.exceptionOrNull(), name, transcript.spawnSays)
            return@runBlocking
        }
        val client = spawn()
        val process = ProcessHandle.of(client.pid)
        playing(client) { Player(this, client.events, watched) { client }.play(transcript.client) }
        assertFalse(process.isPresent && process.get().isAlive, "the process has ended")
    }

    private suspend fun CoroutineScope.playing(player: AutoCloseable, play: suspend () -> Unit) {
        try {
            play()
        } finally {
            val closing = measureTime { player.close() }
            assertTrue(closing < CLOSING, "closing took $closing")
            coroutineContext.cancelChildren()
        }
    }
}

private val HOST = ClientInfo("suite", version = "1")

/** The programs that tests start, and where things lie. */
package byokey

import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue

/** Where the whole project lies; the tests run in `clients/kotlin`. */
internal val PROJECT: File = File("../..").canonicalFile

/** The program under test. Without it a test is skipped, and says so. */
internal fun byokeyProgram(): String {
    val program = System.getenv("BYOKEY_RELEASE_BIN") ?: System.getenv("BYOKEY_BIN")
    assumeTrue(program != null, "skipped: neither BYOKEY_RELEASE_BIN nor BYOKEY_BIN is set")
    return checkNotNull(program)
}

/** The real codex: `CODEX_BIN`, or what tests/codex/setup.sh installed. */
internal fun codexProgram(): String? =
    (System.getenv("CODEX_BIN")?.let(::File) ?: File(PROJECT, ".cache/codex/codex")).takeIf { it.exists() }?.path

/** A loopback backend in a process of its own. */
internal class DevBackend(script: String = "{}") : AutoCloseable {
    private val folder = Files.createTempDirectory("byokey-backend").toFile()
    private val process: Process

    /** What the server has to be started with to find this backend. */
    val serverArgs: List<String>

    init {
        val file = File(folder, "script.json").apply { writeText(script) }
        process = ProcessBuilder(byokeyProgram(), "dev-backend", "--script", file.path)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start()
        val output = process.inputStream.bufferedReader()
        output.readLine()
        serverArgs = output.readLine().orEmpty().trim().split(' ').drop(1)
        assertTrue("app-server" in serverArgs, "the backend told how to reach it")
    }

    override fun close() {
        process.destroyForcibly().waitFor(LONG, TimeUnit.SECONDS)
        folder.deleteRecursively()
    }
}

/** Seconds that nothing takes unless it hangs. */
internal const val LONG = 30L

/** Ends the process whose id is in [file], if it is still there. */
internal fun endProcessIn(file: File) {
    ProcessHandle.of(file.readText().trim().toLong()).ifPresent { it.destroyForcibly() }
}

/** A command of the shell, for tests that need some program. */
internal fun shell(script: String): List<String> = listOf("/bin/sh", "-c", script)

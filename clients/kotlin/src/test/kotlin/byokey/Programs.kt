/** The programs of the tests, and their paths. */
package byokey

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit

/** The root of the repository; the tests run in `clients/kotlin`. */
internal val PROJECT: File = File("../..").canonicalFile

/** The program under test. Without it a test is skipped with a message. */
internal fun byokeyProgram(): String {
    val program = System.getenv("BYOKEY_RELEASE_BIN") ?: System.getenv("BYOKEY_BIN")
    assumeTrue(program != null, "skipped: neither BYOKEY_RELEASE_BIN nor BYOKEY_BIN is set")
    return checkNotNull(program)
}

/** The real codex: `CODEX_BIN`, or the one installed by tests/codex/setup.sh. */
internal fun codexProgram(): String? =
    (System.getenv("CODEX_BIN")?.let(::File) ?: File(PROJECT, ".cache/codex/codex")).takeIf { it.exists() }?.path

/** A loopback backend in its own process. */
internal class DevBackend(script: String = "{}") : AutoCloseable {
    private val folder = Files.createTempDirectory("byokey-backend").toFile()
    private val process: Process

    /** The server's arguments for this backend. */
    val serverArgs: List<String>

    /** Its address. */
    val url: String get() = serverArgs.first { it.startsWith("openai_base_url=") }.substringAfter('=').removeSuffix("/v1")

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

/** A timeout in seconds that is only reached on a hang. */
internal const val LONG = 30L

/** Ends the process with the id in [file], if it is running. */
internal fun endProcessIn(file: File) {
    ProcessHandle.of(file.readText().trim().toLong()).ifPresent { it.destroyForcibly() }
}

/** A shell command, for tests that need any program. */
internal fun shell(script: String): List<String> = listOf("/bin/sh", "-c", script)

package byokey

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** Longer than any token. */
private const val MAX_OUTPUT = 1 shl 20
private val BETWEEN_LOOKS = 10.milliseconds

/** A program that has ended. */
internal class Finished(val exitStatus: Int, val output: String)

/**
 * Runs a program, and returns null if it takes longer than [timeout].
 *
 * Each line of its standard error is passed to [onLog]. After a timeout or a cancellation it is
 * ended with all its descendants. Throws [IOException] if it cannot be started.
 */
internal suspend fun runProgram(
    command: List<String>,
    timeout: Duration,
    onLog: ((String) -> Unit)?,
    prepare: (ProcessBuilder) -> Unit = {},
): Finished? = withContext(Dispatchers.IO) {
    val builder = ProcessBuilder(command)
    if (onLog == null) builder.redirectError(ProcessBuilder.Redirect.DISCARD)
    prepare(builder)
    val process = builder.start()
    try {
        withTimeoutOrNull(timeout) { process.finished(onLog) }
    } finally {
        process.descendants().forEach { it.destroyForcibly() }
        process.toHandle().destroyForcibly()
    }
}

/**
 * Polls, because a blocking read could not be interrupted. The end of the program counts, not that
 * of its output: a child that stays may hold it open.
 */
private suspend fun Process.finished(onLog: ((String) -> Unit)?): Finished {
    outputStream.close()
    val output = ByteArrayOutputStream()
    val log = onLog?.let(::LogLines)
    do {
        val hasEnded = !isAlive
        while (inputStream.available() > 0) {
            output.write(inputStream.readNBytes(inputStream.available()))
            if (output.size() > MAX_OUTPUT) throw TokenProviderException("The token command prints too much.")
        }
        log?.readFrom(errorStream)
        if (!hasEnded) delay(BETWEEN_LOOKS)
    } while (!hasEnded)
    log?.end()
    return Finished(exitValue(), output.toString(Charsets.UTF_8))
}

/** Splits what there is of a log into lines. */
private class LogLines(private val take: (String) -> Unit) {
    private val rest = ByteArrayOutputStream()

    fun readFrom(stream: InputStream) {
        while (stream.available() > 0) {
            for (byte in stream.readNBytes(stream.available())) {
                if (byte == '\n'.code.toByte()) {
                    end()
                } else if (rest.size() < MAX_OUTPUT) {
                    rest.write(byte.toInt())
                }
            }
        }
    }

    fun end() {
        val line = rest.toString(Charsets.UTF_8).trimEnd()
        rest.reset()
        if (line.isNotEmpty()) take(line)
    }
}

/**
 * Returns the standard output of a token command that exits successfully.
 *
 * [environment] is its whole environment.
 */
internal suspend fun runTokenCommand(
    command: List<String>,
    timeout: Duration,
    environment: Map<String, String>,
    workingDirectory: File?,
    onLog: ((String) -> Unit)?,
): String {
    val finished = try {
        runProgram(command, timeout, onLog) { builder ->
            builder.directory(workingDirectory)
            builder.environment().clear()
            builder.environment().putAll(environment)
        }
    } catch (_: IOException) {
        throw TokenProviderException("The token command cannot be started: ${command.first()}.")
    } ?: throw TokenProviderException("The token command took longer than $timeout.")
    if (finished.exitStatus != 0) {
        throw TokenProviderException("The token command failed with exit status ${finished.exitStatus}.")
    }
    return finished.output
}

package byokey

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** Longer than any token. */
private const val MAX_OUTPUT = 1 shl 20
private val BETWEEN_LOOKS = 10.milliseconds

/**
 * Returns the standard output of a program that exits successfully.
 *
 * [environment] is its whole environment. After a timeout or a cancellation it is ended with all
 * its descendants.
 */
internal suspend fun runCommand(
    command: List<String>,
    timeout: Duration,
    environment: Map<String, String>,
    workingDirectory: File?,
): String = withContext(Dispatchers.IO) {
    val builder = ProcessBuilder(command)
        .directory(workingDirectory)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
    builder.environment().clear()
    builder.environment().putAll(environment)
    val process = try {
        builder.start()
    } catch (_: IOException) {
        throw TokenProviderException("The token command cannot be started: ${command.first()}.")
    }
    try {
        withTimeoutOrNull(timeout) { process.outputAtItsEnd() }
            ?: throw TokenProviderException("The token command took longer than $timeout.")
    } finally {
        process.descendants().forEach { it.destroyForcibly() }
        process.toHandle().destroyForcibly()
    }
}

/**
 * Polls, because a blocking read could not be interrupted. The end of the program counts, not that
 * of its output: a child that stays may hold it open.
 */
private suspend fun Process.outputAtItsEnd(): String {
    outputStream.close()
    val output = ByteArrayOutputStream()
    do {
        val hasEnded = !isAlive
        while (inputStream.available() > 0) {
            output.write(inputStream.readNBytes(inputStream.available()))
            if (output.size() > MAX_OUTPUT) throw TokenProviderException("The token command prints too much.")
        }
        if (!hasEnded) delay(BETWEEN_LOOKS)
    } while (!hasEnded)
    if (exitValue() != 0) throw TokenProviderException("The token command failed with exit status ${exitValue()}.")
    return output.toString(Charsets.UTF_8)
}

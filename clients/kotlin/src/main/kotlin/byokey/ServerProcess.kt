package byokey

import java.io.File
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.future.await
import kotlinx.coroutines.withContext

/** How long the server may take to end by itself, and then after it was told to. */
private val GRACE = 1.seconds
private val GRACE_OF_SIGNAL = 500.milliseconds

/**
 * The server as a child process: lines go in, lines come out, and it ends.
 *
 * A thread is blocked as long as [readLines] runs, and another one while [readLog] does. Writing
 * borrows one for as long as the pipe takes it.
 */
internal class ServerProcess private constructor(private val process: Process) {
    // Process.destroy also closes the streams, and waits for ever if one is being written to.
    private val handle = process.toHandle()

    val id: Long get() = process.pid()

    /** Gives each line of the server to [take] until there are no more. */
    suspend fun readLines(take: suspend (ByteArray) -> Unit): Unit =
        withContext(Dispatchers.IO) { LineReader(process.inputStream).forEach(take) }

    /** Gives each line of the log to [take]. */
    suspend fun readLog(take: (String) -> Unit): Unit = withContext(Dispatchers.IO) {
        LineReader(process.errorStream).forEach { take(it.decodeToString().trimEnd('\r')) }
    }

    /** Writes a line. Returns whether the server still takes any. */
    suspend fun write(line: ByteArray): Boolean = withContext(Dispatchers.IO) {
        try {
            process.outputStream.write(line)
            process.outputStream.flush()
            true
        } catch (_: IOException) {
            false
        }
    }

    /** Tells the server that nothing more will be asked. */
    fun closeInput() {
        try {
            process.outputStream.close()
        } catch (_: IOException) {
            // It is gone already, which is what closing is for.
        }
    }

    /** Waits for the end without blocking a thread, and returns the exit status. */
    suspend fun awaitExit(): Int = process.onExit().await().exitValue()

    /** The exit status, unless the process still runs. */
    fun exitStatusOrNull(): Int? = if (process.isAlive) null else process.exitValue()

    /** Waits until the process has ended, which is sure to be soon. Blocks its thread. */
    fun end() {
        if (waitFor(GRACE)) return
        handle.destroy()
        if (waitFor(GRACE_OF_SIGNAL)) return
        kill()
        waitFor(GRACE_OF_SIGNAL)
    }

    /** Ends the process at once. */
    fun kill() {
        handle.destroyForcibly()
    }

    private fun waitFor(time: Duration): Boolean =
        process.waitFor(time.inWholeMilliseconds, TimeUnit.MILLISECONDS)

    companion object {
        /** Starts the program. It is not cancelled halfway, so that no process is forgotten. */
        suspend fun start(
            command: String?,
            args: List<String>,
            environment: Map<String, String>?,
            workingDirectory: File?,
            hasLog: Boolean,
        ): ServerProcess = withContext(NonCancellable + Dispatchers.IO) {
            val found = findServer(command)
            val builder = ProcessBuilder(listOf(found.program) + args).directory(workingDirectory)
            if (!hasLog) builder.redirectError(ProcessBuilder.Redirect.DISCARD)
            if (environment != null) {
                builder.environment().clear()
                builder.environment().putAll(environment)
            }
            try {
                ServerProcess(builder.start())
            } catch (error: IOException) {
                throw ServerNotFoundException(found.lookedIn, error)
            }
        }
    }
}

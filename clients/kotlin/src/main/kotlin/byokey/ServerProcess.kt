package byokey

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.future.await
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** How long the server may take to exit by itself, and then after SIGTERM. */
private val GRACE = 1.seconds
private val GRACE_OF_SIGNAL = 500.milliseconds

/** A longer line of the log is dropped. */
private const val MAX_LOG_LINE = 1 shl 20

/**
 * The server as a child process: lines in, lines out, and its exit.
 *
 * [readLines] and [readLog] block a thread each. Writing uses a thread while the pipe is full.
 */
internal class ServerProcess private constructor(
    private val process: Process,
    val found: Found,
    args: List<String>,
) {
    private val command = redact(found.program)
    private val args = redactArguments(args)
    private val tail = Tail()

    // Process.destroy also closes the streams, and blocks for ever during a write.
    private val handle = process.toHandle()

    val id: Long get() = process.pid()

    /** What was started, and what it wrote last. */
    val launched: Launched get() = Launched(command, args, tail.lines)

    /** Passes each line of the server to [take] until the end. */
    suspend fun readLines(take: suspend (ByteArray) -> Unit): Unit =
        withContext(Dispatchers.IO) { LineReader(process.inputStream).forEach(take) }

    /** Keeps the end of the log, and passes each line of it to [take]. */
    suspend fun readLog(take: (String) -> Unit): Unit = withContext(Dispatchers.IO) {
        LineReader(process.errorStream, MAX_LOG_LINE).forEach {
            val line = it.decodeToString().trimEnd('\r')
            tail.push(line)
            take(line)
        }
    }

    /** Writes a line. Returns whether the server still reads. */
    suspend fun write(line: ByteArray): Boolean = withContext(Dispatchers.IO) {
        try {
            process.outputStream.write(line)
            process.outputStream.flush()
            true
        } catch (_: IOException) {
            false
        }
    }

    /** Closes the server's input. */
    fun closeInput() {
        try {
            process.outputStream.close()
        } catch (_: IOException) {
            // The server is gone already, which is the goal.
        }
    }

    /** Waits for the exit without blocking a thread, and returns the exit status. */
    suspend fun awaitExit(): Int = process.onExit().await().exitValue()

    /** Returns the exit status, unless the process still runs. */
    fun exitStatusOrNull(): Int? = if (process.isAlive) null else process.exitValue()

    /** Blocks until the process has exited, which must be certain to happen soon. */
    fun end() {
        if (waitFor(GRACE)) return
        handle.destroy()
        if (waitFor(GRACE_OF_SIGNAL)) return
        kill()
        waitFor(GRACE_OF_SIGNAL)
    }

    /** Kills the process. */
    fun kill() {
        handle.destroyForcibly()
    }

    private fun waitFor(time: Duration): Boolean =
        process.waitFor(time.inWholeMilliseconds, TimeUnit.MILLISECONDS)

    companion object {
        /** Starts the program. Not cancellable, so that no process is lost. */
        suspend fun start(
            command: String?,
            args: List<String>,
            environment: Map<String, String>?,
            workingDirectory: File?,
        ): ServerProcess = withContext(NonCancellable + Dispatchers.IO) {
            val found = findServer(command)
            val builder = ProcessBuilder(listOf(found.program) + args).directory(workingDirectory)
            if (environment != null) {
                builder.environment().clear()
                builder.environment().putAll(environment)
            }
            try {
                ServerProcess(builder.start(), found, args)
            } catch (error: IOException) {
                val launched = Launched(redact(found.program), redactArguments(args), emptyList())
                throw ServerNotFoundException(found.searched, problemWith(found.program), launched, error)
            }
        }

        private fun problemWith(program: String): String = when {
            !File(program).exists() -> "was not found"
            !File(program).canExecute() -> "may not be executed"
            else -> "cannot be started"
        }
    }
}

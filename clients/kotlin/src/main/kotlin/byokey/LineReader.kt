package byokey

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream

private const val NEWLINE = '\n'.code.toByte()
private const val CHUNK = 1 shl 16

/** Longer lines are skipped, to bound the host's memory. */
private const val MAX_LINE = 256 shl 20

/**
 * Splits a stream into lines, and blocks its thread meanwhile.
 *
 * An unterminated last line is dropped.
 */
internal class LineReader(private val stream: InputStream, private val maxLine: Int = MAX_LINE) {
    private val rest = ByteArrayOutputStream()
    private var isTooLong = false

    /** Passes each line to [take] until the stream ends. */
    suspend fun forEach(take: suspend (ByteArray) -> Unit) {
        val chunk = ByteArray(CHUNK)
        while (true) {
            val count = read(chunk)
            if (count < 0) return
            var start = 0
            for (at in 0 until count) {
                if (chunk[at] != NEWLINE) continue
                keep(chunk, start, at)
                if (!isTooLong) take(rest.toByteArray())
                rest.reset()
                isTooLong = false
                start = at + 1
            }
            keep(chunk, start, count)
        }
    }

    private fun keep(chunk: ByteArray, from: Int, until: Int) {
        isTooLong = isTooLong || rest.size() + (until - from) > maxLine
        if (isTooLong) rest.reset() else rest.write(chunk, from, until - from)
    }

    /** A stream closed here or by the system has ended. */
    private fun read(chunk: ByteArray): Int = try {
        stream.read(chunk)
    } catch (_: IOException) {
        -1
    }
}

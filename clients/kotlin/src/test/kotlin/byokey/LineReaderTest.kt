package byokey

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.InputStream

class LineReaderTest {
    private fun lines(maxLine: Int, vararg chunks: String): List<String> = runBlocking {
        val read = ArrayList<String>()
        LineReader(Chunks(chunks.toList()), maxLine).forEach { read += it.decodeToString() }
        read
    }

    /** A stream with one chunk per read, like a pipe. */
    private class Chunks(chunks: List<String>) : InputStream() {
        private val rest = ArrayDeque(chunks)

        override fun read(): Int = error("it is read in chunks")

        override fun read(into: ByteArray, offset: Int, length: Int): Int {
            val chunk = rest.removeFirstOrNull()?.encodeToByteArray() ?: return -1
            chunk.copyInto(into, offset)
            return chunk.size
        }
    }

    @Test
    fun `lines are whole, however they arrive`() {
        assertEquals(listOf("one", "two", "", "three"), lines(100, "one\ntw", "o", "\n\nthr", "ee\nhalf of a li"))
    }

    @Test
    fun `a line that is too long is skipped, and the next one is not`() {
        assertEquals(listOf("ok", "12345", "ok"), lines(5, "ok\n12345\n123", "456", "7\nok", "\n"))
    }
}

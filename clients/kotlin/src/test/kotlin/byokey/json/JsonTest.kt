package byokey.json

import byokey.PROJECT
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.File
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

class JsonTest {
    @TestFactory
    fun `the verdicts of JSONTestSuite`(): List<DynamicTest> {
        val files = File(PROJECT, "tests/json-test-suite/test_parsing").listFiles().orEmpty().sorted()
        assertTrue(files.size > 300, "the cases are there")
        return files.filter { it.name.first() in "yn" }.map { file ->
            dynamicTest(file.name) { assertEquals(file.name.startsWith("y"), isAccepted(file.readBytes())) }
        }
    }

    private fun isAccepted(bytes: ByteArray): Boolean = try {
        JsonValue.parse(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString())
        true
    } catch (_: JsonSyntaxException) {
        false
    } catch (_: CharacterCodingException) {
        false
    }

    @Test
    fun `what is read is written as it was`() {
        for (text in listOf(
            """{"a":[1,-2.50,3e+7,true,false,null],"b":{},"c":[]}""",
            """["\"\\ ü 😀","\n","\u0001","\ud800","\udc00x"]""",
            "12345678901234567890123",
        )) {
            assertEquals(text, JsonValue.parse(text).toJson())
        }
    }

    @Test
    fun `escapes are read`() {
        val string = JsonValue.parse(""""\u0041\/\b\f\n\r\t\"\\\uD83D\uDE00"""") as JsonString
        assertEquals("A/\b\u000C\n\r\t\"\\😀", string.value)
    }

    @Test
    fun `numbers are whole only if they are written so and fit`() {
        assertEquals(9007199254740993, JsonNumber("9007199254740993").toLongOrNull())
        for (literal in listOf("1.0", "1e3", "9223372036854775808")) {
            assertEquals(null, JsonNumber(literal).toLongOrNull(), literal)
        }
        for (literal in listOf("", "01", "+1", "NaN", "1 ", "0x1", "٣")) {
            assertThrows(IllegalArgumentException::class.java) { JsonNumber(literal) }
        }
    }

    @Test
    fun `depth is bounded`() {
        assertTrue(isAccepted(("[".repeat(200) + "]".repeat(200)).toByteArray()))
        assertFalse(isAccepted(("[".repeat(100_000) + "]".repeat(100_000)).toByteArray()))
    }

    @Test
    fun `no value shows its content by accident`() {
        val value = JsonValue.parse("""{"made-up-name":["made-up-secret",4711,true]}""") as JsonObject
        val shown = "$value ${value.values} ${value.values.map { (it as JsonArray).elements }}"
        for (hidden in listOf("made-up", "4711", "true")) assertFalse(hidden in shown, shown)
        val failure = assertThrows(JsonSyntaxException::class.java) { JsonValue.parse("[made-up-secret]") }
        assertFalse("made-up" in failure.toString())
    }
}

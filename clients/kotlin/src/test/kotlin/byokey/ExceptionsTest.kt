package byokey

import byokey.json.JsonValue
import byokey.protocol.ErrorKind
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ExceptionsTest {
    private fun of(error: String, isTrusted: Boolean = false) =
        ErrorDetails.exception("account/read", JsonValue.parse(error), isTrusted)

    @Test
    fun `every kind of the protocol but the one for cancelled calls has a class`() {
        val kinds = ErrorKind.Companion::class.java.methods
            .filter { it.name.startsWith("get") && it.returnType == String::class.java }
            .map { it.invoke(ErrorKind) as String }
        assertTrue(kinds.size > 25, "$kinds")
        for (kind in kinds - "cancelled") {
            val exception = of("""{"code":1,"data":{"kind":"$kind"}}""")
            assertTrue(exception.javaClass != RequestException::class.java, "$kind has no class")
            assertTrue(kind in exception.message!!, exception.message)
        }
    }

    @Test
    fun `what the server wrote is kept, and is not in the text`() {
        val exception = of(
            """{"code":-32603,"message":"made-up","data":{"kind":"madeUp","path":"made.up","status":503,
               "requestId":"made-up","more":["made-up"]}}""",
        )
        assertEquals(ErrorKind("madeUp"), exception.kind)
        assertEquals("made.up", exception.path)
        assertEquals(503, exception.status)
        assertEquals("made-up", exception.requestId)
        assertFalse(Regex("made.?up", RegexOption.IGNORE_CASE) in exception.toString(), "$exception")
        assertTrue("account/read" in exception.message!! && "-32603" in exception.message!!)
    }

    @Test
    fun `what byokey said is part of the text, redacted, and what another server said is not`() {
        val token = "eyJhbGciOiJub25lIn0.eyJtYWRlIjoidXAifQ.made-up"
        val error = """{"code":1,"message":"refused by proxy.test, $token","data":{"kind":"unreachable"}}"""
        val known = of(error, isTrusted = true)
        assertEquals("refused by proxy.test, [redacted]", known.serverMessage)
        assertEquals(
            "`account/read` failed (code 1, unreachable). refused by proxy.test, [redacted]. There is no connection to the " +
                "backend or the issuer: check the network and the proxy settings.",
            known.message,
        )
        assertNull(of(error).serverMessage)
        assertFalse("proxy.test" in of(error).message!!)
    }

    @Test
    fun `an error of any shape is an exception`() {
        for (error in listOf(
            "null",
            "[]",
            "17",
            "{}",
            """{"code":"x","data":[1]}""",
            """{"code":1e99,"data":{"kind":7}}""",
            """{"code":1,"data":{"kind":"made up"}}""",
        )) {
            assertEquals(if ("1," in error) 1 else -32603, of(error).code, error)
            assertNull(of(error).kind, error)
        }
    }

    @Test
    fun `what does not look like a kind, a path or an id is not kept`() {
        val token = "eyJhbGciOiJub25lIn0.eyJtYWRlIjoidXAifQ.made-up-signature-longer-than-forty-characters"
        val exception = of("""{"code":1,"data":{"kind":"$token","path":"$token","requestId":"$token"}}""")
        assertEquals(listOf(null, null, null), listOf(exception.kind, exception.path, exception.requestId))
    }

    @Test
    fun `only a failure that may pass is retryable`() {
        fun isRetryable(kind: String) = (of("""{"data":{"kind":"$kind"}}""") as BackendException).isRetryable
        assertTrue(isRetryable("retryable"))
        assertFalse(isRetryable("backendRefused"))
        assertFalse(isRetryable("usageLimitExceeded"))
    }

    @Test
    fun `a secret shows as redacted`() {
        assertEquals("[redacted]", "${Secret("made-up")}")
        assertEquals(Secret("made-up"), Secret("made-up"))
    }
}

package byokey

import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.protocol.ErrorKind
import byokey.protocol.ExternalTokens
import byokey.protocol.LoginStartParams
import byokey.protocol.PlanType
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** A login with a made-up token. */
internal val MADE_UP_LOGIN: LoginStartParams =
    ExternalTokens(Secret("eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLnRlc3QifQ.made-up"), "ws-ada").toLogin()

/** Logins that the server runs. */
class LoginsTest {
    @Test
    fun `the end of a login in the browser is waited for`(): Unit = runBlocking {
        spawnMadeUp(LOGINS, "login('')", SERVER).use { client ->
            var opened: String? = null
            val read = withTimeout(LONG.seconds) { client.loginInBrowser { opened = it } }
            assertEquals("https://a.test", opened)
            assertNull(read.account)
        }
    }

    @Test
    fun `a login that fails says why`(): Unit = runBlocking {
        spawnMadeUp(LOGINS, "login('the code has expired')", SERVER).use { client ->
            var shown: DeviceCode? = null
            val outcome = withTimeout(LONG.seconds) { runCatching { client.loginWithDeviceCode { shown = it } } }
            val failure = outcome.exceptionOrNull() as LoginException
            assertEquals(ErrorKind.LoginFailed, failure.kind)
            assertTrue("the code has expired. Start the login again." in failure.message!!, failure.message)
            assertEquals(DeviceCode("https://v.test", "AB-12"), shown)
        }
    }

    @Test
    fun `a login that is given up, or cannot be shown, is cancelled`(): Unit = runBlocking {
        suspend fun cancelled(wait: suspend (ByokeyClient) -> Unit) {
            spawnMadeUp(LOGINS, "login(None); send(method='saw', params=ask()); ask()").use { client ->
                val saw = async(start = CoroutineStart.UNDISPATCHED) { client.events.first { it.method == "saw" } }
                wait(client)
                val seen = withTimeout(LONG.seconds) { saw.await() }.json as JsonObject
                assertEquals(JsonString("account/login/cancel"), seen["method"])
            }
        }
        cancelled { client -> assertNull(withTimeoutOrNull(300.milliseconds) { client.loginInBrowser { awaitCancellation() } }) }
        cancelled { client ->
            val failure = runCatching { client.loginInBrowser { error("there is no browser") } }.exceptionOrNull()
            assertEquals("there is no browser", failure?.message)
        }
    }

    @Test
    fun `a server that owns the login needs no provider, and its question is refused`(): Unit = runBlocking {
        val ask = "send(id='r', method='account/chatgptAuthTokens/refresh', params={'reason': 'unauthorized'})\n" +
            "send(method='saw', params=ask()); ask()"
        spawnMadeUp(ask, refreshTokens = ServerOwnsLogin).use { client ->
            val seen = withTimeout(LONG.seconds) { client.events.first() }.json as JsonObject
            assertTrue("-32601" in seen.toJson(), seen.toJson())
        }
    }

    @Test
    fun `a plan is of one type everywhere`() {
        val tokens = ExternalTokens(Secret("made-up"), "ws-ada", PlanType.Pro)
        val login = tokens.toLogin() as LoginStartParams.ChatgptAuthTokens
        val plan: PlanType? = login.chatgptPlanType
        assertEquals(PlanType.Pro, plan)
    }
}

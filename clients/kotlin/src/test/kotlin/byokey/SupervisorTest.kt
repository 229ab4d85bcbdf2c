package byokey

import byokey.protocol.Account
import byokey.protocol.ExternalTokens
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** A server that is kept running. */
class SupervisorTest {
    private val restarts = CopyOnWriteArrayList<Restart>()
    private val ends = CopyOnWriteArrayList<ServerEnd>()

    private suspend fun start(
        refreshTokens: TokenProvider = MADE_UP_TOKENS,
        command: String = "python3",
        args: List<String> = madeUpServer(SERVER),
        signIn: Boolean = true,
        pauses: List<Duration> = listOf(1.milliseconds, 20.milliseconds),
        onClose: (ServerEnd) -> CloseAction = { CloseAction.Restart },
    ) = Supervisor.start(
        TEST_HOST,
        refreshTokens,
        command,
        args,
        signIn = signIn,
        onRestart = { restarts += it },
        onClose = { onClose(it.also(ends::add)) },
        pauses = pauses,
    )

    private suspend fun die(supervisor: Supervisor) {
        val failure = runCatching { supervisor.ready().request("die") }.exceptionOrNull()
        assertTrue(failure is ConnectionClosedException, "$failure")
    }

    @Test
    fun `a server that ends is started again, signed in again, and heard`(): Unit = runBlocking {
        val asked = CopyOnWriteArrayList<String?>()
        val provider = TokenProvider { request ->
            asked += request.previousAccountId
            ExternalTokens(Secret("made-up"), "ws-ada")
        }
        start(provider).use { supervisor ->
            val heard = async(start = CoroutineStart.UNDISPATCHED) { supervisor.events.take(3).toList() }
            for (count in 1..2) {
                die(supervisor)
                waitUntil("restart $count") { restarts.size == count }
            }
            val methods = withTimeout(LONG.seconds) { heard.await() }.map { it.method }
            assertEquals(List(3) { "account/updated" }, methods)
            assertEquals(listOf(null, "ws-ada", "ws-ada"), asked.toList())
            assertEquals(listOf(3 to 1, 3 to 2), ends.map { it.exitStatus to it.endsInARow })
            assertEquals(listOf(1.milliseconds, 20.milliseconds), ends.map { it.pause })
            assertSame(restarts[1].client, supervisor.client)
            assertNull(restarts[1].signInError)
        }
    }

    @Test
    fun `a bearer login without a provider of bearer tokens is refused`() {
        val refused = assertThrows(IllegalArgumentException::class.java) {
            runBlocking { Supervisor.start(TEST_HOST, ServerOwnsLogin, bearerLogin = BearerLogin("https://api.example")) }
        }
        assertTrue("`refreshBearerToken`" in refused.message!!, refused.message)
    }

    @Test
    fun `the account is kept over restarts, and a sign-out lasts`(): Unit = runBlocking {
        start().use { supervisor ->
            suspend fun isSignedIn(wanted: Boolean) =
                withTimeout(LONG.seconds) { supervisor.account.first { it is Account.Chatgpt == wanted } }
            isSignedIn(true)
            die(supervisor)
            waitUntil("a restart") { restarts.size == 1 }
            assertTrue(supervisor.ready().readAccount().account is Account.Chatgpt)
            isSignedIn(true)
            supervisor.signOut()
            die(supervisor)
            waitUntil("a restart") { restarts.size == 2 }
            assertNull(supervisor.ready().readAccount().account)
            isSignedIn(false)
            supervisor.signIn()
            isSignedIn(true)
        }
    }

    @Test
    fun `a sign-out wins over tokens that come later`(): Unit = runBlocking {
        val asked = CompletableDeferred<Unit>()
        val given = CompletableDeferred<ExternalTokens>()
        val provider = TokenProvider {
            asked.complete(Unit)
            given.await()
        }
        start(provider, signIn = false).use { supervisor ->
            val signingIn = launch { supervisor.signIn() }
            asked.await()
            supervisor.signOut()
            given.complete(ExternalTokens(Secret("made-up"), "ws-ada"))
            withTimeout(LONG.seconds) { signingIn.join() }
            assertNull(supervisor.ready().readAccount().account)
        }
    }

    @Test
    fun `onClose decides whether there is another start`(): Unit = runBlocking {
        start(onClose = { CloseAction.DoNotRestart }).use { supervisor ->
            die(supervisor)
            withTimeout(LONG.seconds) { supervisor.awaitClosed() }
            assertNull(supervisor.client)
            assertTrue(runCatching { supervisor.ready() }.exceptionOrNull() is ByokeyException)
        }
    }

    @Test
    fun `a first start that fails is thrown, and leaves no process`(): Unit = runBlocking {
        assertTrue(runCatching { start(command = "/nowhere/byokey") }.exceptionOrNull() is ServerNotFoundException)
        val before = ProcessHandle.current().children().toList().toSet()
        val failure = runCatching { start({ error("the helper is gone") }) }.exceptionOrNull()
        assertEquals("the helper is gone", failure?.message)
        waitUntil("no process") { ProcessHandle.current().children().filter { it !in before && it.isAlive }.count() == 0L }
    }

    @Test
    fun `a provider that fails at a restart is reported to onRestart`(): Unit = runBlocking {
        val problem = IllegalStateException("the helper is gone")
        var fails = false
        val provider = TokenProvider { if (fails) throw problem else ExternalTokens(Secret("made-up"), "ws-ada") }
        start(provider).use { supervisor ->
            fails = true
            die(supervisor)
            waitUntil("a restart") { restarts.size == 1 }
            assertEquals(problem.message, restarts[0].signInError?.message)
        }
    }

    @Test
    fun `a program that cannot start any more is tried again with a pause that stays at the ceiling`(): Unit = runBlocking {
        val program = kotlin.io.path.createTempFile("byokey").toFile()
        program.writeText("#!/bin/sh\nexec python3 \"$@\"\n")
        program.setExecutable(true)
        start(command = program.path).use { supervisor ->
            program.delete()
            die(supervisor)
            waitUntil("four ends") { ends.size >= 4 }
        }
        assertNull(ends[0].error)
        assertTrue(ends[1].error is ServerNotFoundException)
        assertEquals(List(3) { 20.milliseconds }, ends.slice(1..3).map { it.pause })
        assertTrue(restarts.isEmpty())
    }

    @Test
    fun `closing ends a pause, the process and the events`(): Unit = runBlocking {
        val pausing = start(pauses = listOf(1.hours))
        die(pausing)
        waitUntil("an end") { ends.size == 1 }
        withTimeout(LONG.seconds) { pausing.close() }
        val supervisor = start()
        val process = ProcessHandle.of(supervisor.ready().pid).get()
        val heard = async(start = CoroutineStart.UNDISPATCHED) { supervisor.events.toList() }
        delay(1.milliseconds)
        supervisor.close()
        supervisor.close()
        withTimeout(LONG.seconds) { heard.await() }
        assertFalse(process.isAlive)
        assertNull(supervisor.account.value)
    }
}

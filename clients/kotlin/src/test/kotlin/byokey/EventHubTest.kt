package byokey

import byokey.json.JsonObject
import byokey.protocol.ServerNotifications
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class EventHubTest {
    private val hub = EventHub()

    private fun publish(names: Iterable<Any>) =
        names.forEach { hub.publish(eventOf(it.toString(), JsonObject())) }

    private suspend fun collected() = hub.events.map { it.method }.toList()

    @Test
    fun `the first collector gets what came before it, every other one what comes from then on`(): Unit = runBlocking {
        publish(listOf("early"))
        val first = async(start = CoroutineStart.UNDISPATCHED) { collected() }
        publish(listOf("between"))
        val second = async(start = CoroutineStart.UNDISPATCHED) { collected() }
        publish(listOf("late"))
        hub.end()
        assertEquals(listOf("early", "between", "late"), first.await())
        assertEquals(listOf("late"), second.await())
        assertEquals(emptyList<String>(), collected(), "after the end there is nothing")
    }

    @Test
    fun `what nobody collects does not pile up`(): Unit = runBlocking {
        publish(0 until 5_000)
        hub.end()
        assertEquals((4_000 until 5_000).map { "$it" }, collected())
    }

    @Test
    fun `a collector that leaves is forgotten`(): Unit = runBlocking {
        publish(listOf("one"))
        assertEquals("one", hub.events.first().method)
        publish(0 until 10_000)
        hub.end()
    }

    @Test
    fun `a collector that is far behind fails instead of losing events in silence`(): Unit = runBlocking {
        val published = CompletableDeferred<Unit>()
        val slow = async(start = CoroutineStart.UNDISPATCHED) {
            runCatching { hub.events.onEach { published.await() }.toList() }.exceptionOrNull()
        }
        publish(0..100_001)
        published.complete(Unit)
        assertTrue(slow.await() is IllegalStateException)
    }

    @Test
    fun `every notification of the protocol has a class`() {
        for (method in ServerNotifications.all) {
            assertTrue(method.name in KNOWN_EVENTS, "${method.name} has no class in Event")
        }
    }
}

package byokey

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/**
 * Broadcasts events to all collectors.
 *
 * Publishing never blocks, so a slow collector delays no response. No event is dropped silently
 * either: a collector that is [CAPACITY] events behind fails.
 */
internal class EventHub {
    private val lock = Any()
    private val collectors = HashSet<Channel<Event>>()
    private val beforeTheFirst = ArrayDeque<Event>()
    private var isFirst = true
    private var hasEnded = false

    val events: Flow<Event> = flow {
        val channel = enter(takesEarlier = true)
        try {
            for (event in channel) emit(event)
        } finally {
            leave(channel)
        }
    }

    /** Passes the events from now on to [use], which reads them to the end or leaves. */
    suspend fun <T> reading(use: suspend (ReceiveChannel<Event>) -> T): T {
        val channel = enter(takesEarlier = false)
        return try {
            use(channel)
        } finally {
            leave(channel)
        }
    }

    fun publish(event: Event) {
        synchronized(lock) {
            if (isFirst) {
                if (beforeTheFirst.size == BACKLOG) beforeTheFirst.removeFirst()
                beforeTheFirst += event
            }
            collectors.removeIf { it.trySend(event).isFailure && it.close(tooSlow()) }
        }
    }

    /** Ends the stream. Collectors get the remaining events first. */
    fun end() {
        synchronized(lock) {
            hasEnded = true
            collectors.forEach { it.close() }
        }
    }

    private fun enter(takesEarlier: Boolean): Channel<Event> = synchronized(lock) {
        val channel = Channel<Event>(CAPACITY)
        if (takesEarlier) {
            beforeTheFirst.forEach(channel::trySend)
            beforeTheFirst.clear()
            isFirst = false
        }
        if (hasEnded) channel.close() else collectors += channel
        channel
    }

    private fun leave(channel: Channel<Event>) {
        synchronized(lock) { collectors -= channel }
    }

    private fun tooSlow() = IllegalStateException(
        "A collector is $CAPACITY events behind. Collect in a coroutine that does not wait.",
    )

    private companion object {
        const val CAPACITY = 100_000

        /** Bounds the memory of a host that never collects. */
        const val BACKLOG = 1_000
    }
}

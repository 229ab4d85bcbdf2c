package byokey

import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonSyntaxException
import byokey.json.JsonValue
import byokey.protocol.ClientNotifications
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.ClosedSendChannelException
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.launch
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** How the connection ended, and which program that was. */
internal class End(val exitStatus: Int?, private val launched: Launched? = null) {
    fun exception() = ConnectionClosedException(exitStatus, launched)
}

/** The error response to a request of the server, with this code and text. */
internal class Refusal(val code: Int, message: String) : Exception(message)

/**
 * One connection: numbers requests, matches responses to their callers, and dispatches other
 * messages.
 *
 * It is independent of processes: its owner writes the [lines], passes received lines to [receive],
 * and calls [end] at the end of input.
 */
internal class Connection(
    private val scope: CoroutineScope,
    private val answer: suspend (method: String, params: JsonValue) -> JsonValue,
    private val notice: (method: String, params: JsonValue) -> Unit,
) {
    private sealed interface Answer {
        class Result(val value: JsonValue) : Answer

        class Error(val value: JsonValue) : Answer

        class Ended(val end: End) : Answer
    }

    private val outgoing = Channel<ByteArray>(OUTGOING)
    private val lastId = AtomicLong()
    private val pending = ConcurrentHashMap<Long, CompletableDeferred<Answer>>()
    private val ended = CompletableDeferred<End>()

    /** The lines to write, in order. Closed at the end. */
    val lines: ReceiveChannel<ByteArray> get() = outgoing

    val isEnded: Boolean get() = ended.isCompleted

    /** Whether texts of the server may be part of errors. */
    @Volatile
    var isTrusted: Boolean = false

    /**
     * Sends a request and waits for the response. Cancelling the caller cancels the request at the
     * server.
     */
    suspend fun request(method: String, params: JsonValue): JsonValue {
        val id = lastId.incrementAndGet()
        val waiting = CompletableDeferred<Answer>()
        pending[id] = waiting
        val answer = try {
            if (!send("id" to JsonNumber(id), "method" to JsonString(method), "params" to params)) {
                waiting.complete(Answer.Ended(ended.await()))
            }
            waiting.await()
        } catch (cancellation: CancellationException) {
            if (pending.remove(id) != null) giveUp(id)
            throw cancellation
        } finally {
            pending.remove(id)
        }
        return when (answer) {
            is Answer.Result -> answer.value
            is Answer.Error -> throw ErrorDetails.exception(method, answer.value, isTrusted)
            is Answer.Ended -> throw answer.end.exception()
        }
    }

    /** Sends a notification. Does nothing if the server is gone. */
    suspend fun notify(method: String, params: JsonValue) {
        send("method" to JsonString(method), "params" to params)
    }

    /** Handles a line of the server. Invalid messages are skipped. */
    fun receive(line: ByteArray) {
        val message = parse(line) as? JsonObject ?: return
        val method = (message["method"] as? JsonString)?.value
        val params = message["params"] ?: JsonObject()
        val id = message["id"]
        when {
            method == null -> answered(id, message)
            id == null -> notice(method, params)
            else -> scope.launch { send("id" to id, answerTo(method, params)) }
        }
    }

    /** Fails all pending calls: no response can arrive any more. */
    fun end(end: End) {
        ended.complete(end)
        outgoing.close()
        // Resumes callers that wait for space in the queue.
        while (outgoing.tryReceive().isSuccess) continue
        while (pending.isNotEmpty()) {
            for (id in pending.keys) pending.remove(id)?.complete(Answer.Ended(end))
        }
    }

    /** Cancels every call at the server, and refuses new ones. */
    fun hangUp(end: End) {
        for (id in pending.keys) {
            pending.remove(id)?.complete(Answer.Ended(end)) ?: continue
            outgoing.trySend(encode(arrayOf(cancelMethod, cancelParams(id))))
        }
        outgoing.close()
    }

    /** Waits for the end and returns the exit status, if known. */
    suspend fun awaitEnd(): Int? = ended.await().exitStatus

    private fun answered(id: JsonValue?, message: JsonObject) {
        val number = (id as? JsonNumber)?.toLongOrNull() ?: return
        val error = message["error"]?.let { Answer.Error(it) }
        val answer = error ?: message["result"]?.let { Answer.Result(it) } ?: return
        pending.remove(number)?.complete(answer)
    }

    private suspend fun answerTo(method: String, params: JsonValue): Pair<String, JsonValue> = try {
        "result" to answer(method, params)
    } catch (refusal: Refusal) {
        val message = JsonString(refusal.message.orEmpty())
        "error" to JsonObject("code" to JsonNumber(refusal.code), "message" to message)
    }

    /** The queue may be full; the caller is cancelled and does not wait for it. */
    private fun giveUp(id: Long) {
        scope.launch(start = CoroutineStart.UNDISPATCHED) { send(cancelMethod, cancelParams(id)) }
    }

    private suspend fun send(vararg members: Pair<String, JsonValue>): Boolean = try {
        outgoing.send(encode(members))
        true
    } catch (_: ClosedSendChannelException) {
        false
    }

    private companion object {
        /** The length of the queue, beyond which callers wait (back-pressure). */
        const val OUTGOING = 64

        val cancelMethod = "method" to JsonString(ClientNotifications.cancelRequest.name)

        fun cancelParams(id: Long) = "params" to JsonObject("id" to JsonNumber(id))

        fun encode(members: Array<out Pair<String, JsonValue>>): ByteArray =
            (JsonObject(*members).toJson() + "\n").encodeToByteArray()

        fun parse(line: ByteArray): JsonValue? = try {
            JsonValue.parse(Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString())
        } catch (_: JsonSyntaxException) {
            null
        } catch (_: CharacterCodingException) {
            null
        }
    }
}

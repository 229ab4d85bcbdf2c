package byokey.suite

import byokey.ByokeyClient
import byokey.ByokeyException
import byokey.Event
import byokey.RequestException
import byokey.json.JsonArray
import byokey.json.JsonNull
import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonValue
import byokey.protocol.ClientRequests
import byokey.protocol.RequestMethod
import byokey.protocol.WireType
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.ReceiveChannel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail

private const val PATIENCE_MS = 20_000L

/** What the driver sees beside the client. */
internal class Watched(val provider: ScriptedProvider) {
    val log = MutableStateFlow<List<String>>(emptyList())
    val restarts = MutableStateFlow(0)
}

/** Runs the client's side of one transcript; [running] returns the client, after a restart another. */
internal class Player(
    scope: CoroutineScope,
    events: Flow<Event>,
    private val watched: Watched,
    private val running: suspend () -> ByokeyClient,
) {
    private lateinit var client: ByokeyClient

    // A failing call must not cancel the others.
    private val calls = CoroutineScope(scope.coroutineContext + SupervisorJob())
    private val made = HashMap<String, Deferred<JsonValue>>()
    private val names = HashMap(TOKENS)
    private val events: ReceiveChannel<Event> = events.produceIn(calls)

    suspend fun play(steps: List<JsonObject>) {
        steps.forEachIndexed { index, step ->
            try {
                withTimeout(PATIENCE_MS) { play(filled(step, names) as JsonObject) }
            } catch (@Suppress("TooGenericExceptionCaught") failure: Throwable) {
                throw AssertionError("client step ${index + 1}, ${step.toJson()}: ${failure.message}", failure)
            }
        }
    }

    private suspend fun play(step: JsonObject) {
        client = running()
        when (val kind = step.keys.first()) {
            "call" -> call(step)
            "result" -> result(step)
            "fails" -> fails(step)
            "cancel" -> made.getValue(step.text(kind)).cancel()
            "cancelled" -> cancelled(step)
            "event" -> event(step)
            "asked" -> {
                val number = (step.getValue(kind) as JsonNumber).toLongOrNull()!!
                check(watched.provider.request(number.toInt()), step)
            }
            "account" -> client.account.first { has(it?.toJson() ?: JsonNull, step.getValue(kind)) }
            "logged" -> watched.log.first { lines -> lines.any { step.text(kind) in it } }
            "restarted" -> {
                val number = (step.getValue(kind) as JsonNumber).toLongOrNull()!!
                watched.restarts.first { it >= number }
            }
            "kill" -> assertTrue(ProcessHandle.of(client.pid).get().destroyForcibly())
            "closed" -> client.awaitClosed()
            "close" -> client.close()
            else -> fail("there is no step $kind")
        }
    }

    private fun call(step: JsonObject) {
        val params = step["params"] as JsonObject? ?: JsonObject()
        // Undispatched, so that the request is sent before the next step begins.
        made[step.text("as")] = calls.async(start = CoroutineStart.UNDISPATCHED) {
            if ("typed" in step) typed(step.text("call"), params) else client.request(step.text("call"), params)
        }
    }

    /** The same call through the generated types, converted back to JSON. */
    private suspend fun typed(method: String, params: JsonObject): JsonValue {
        suspend fun <P : WireType, R : WireType> call(method: RequestMethod<P, R>): JsonValue =
            client.request(method, method.readParams(params, "")).toJson()
        return call(ClientRequests.all.first { it.name == method })
    }

    private suspend fun result(step: JsonObject) {
        val result = made.getValue(step.text("result")).await()
        check(result, step)
        for ((name, path) in (step["keep"] as JsonObject?).orEmpty()) {
            val steps = (path as JsonArray).map { (it as JsonString).value }
            names[name] = steps.fold(result) { value, member -> (value as JsonObject).getValue(member) }
        }
    }

    private suspend fun fails(step: JsonObject) {
        val outcome = runCatching { made.getValue(step.text("fails")).await() }
        val says = listOfNotNull((step["says"] as JsonString?)?.value)
        val failure = checkFailure(outcome.exceptionOrNull(), step.text("error"), says)
        if (failure is RequestException) {
            assertEquals((step["kind"] as JsonString?)?.value, failure.kind?.value)
            assertEquals((step["code"] as JsonNumber?)?.toLongOrNull(), failure.code.toLong())
        }
    }

    private suspend fun cancelled(step: JsonObject) {
        val call = made.getValue(step.text("cancelled"))
        call.join()
        assertTrue(runCatching { call.await() }.exceptionOrNull() is CancellationException)
    }

    private suspend fun event(step: JsonObject) {
        for (event in events) if (event.method == step.text("event")) return check(event.json, step)
        fail<Unit>("the events ended")
    }

    private fun check(actual: JsonValue, step: JsonObject) {
        val wanted = step["is"] ?: return
        assertTrue(has(actual, wanted), "it is ${actual.toJson()}")
    }
}

/** Checks class and text of an error. Class names end in `Exception`, by the language's convention. */
internal fun checkFailure(failure: Throwable?, name: String, says: List<String>): ByokeyException {
    assertNotNull(failure, "it succeeded")
    assertTrue(failure is ByokeyException, "it is a ${failure!!::class}")
    assertEquals(name, failure::class.simpleName!!.replace(Regex("Exception$"), "Error"))
    for (text in says) assertTrue(text in failure.message!!, failure.message)
    for (shown in listOf(failure.toString(), failure.stackTraceToString())) {
        for (token in TOKENS.values) assertFalse((token as JsonString).value in shown, "a token is shown")
    }
    return failure as ByokeyException
}

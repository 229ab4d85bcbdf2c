package byokey.suite

import byokey.BearerTokenProvider
import byokey.TokenProvider
import byokey.commandTokens
import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonValue
import byokey.protocol.BearerToken
import byokey.protocol.BearerTokenRefreshParams
import byokey.protocol.ExternalTokens
import byokey.protocol.RefreshParams
import byokey.shell
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.updateAndGet

/** Both token providers, which follow the transcript. */
internal class ScriptedProvider(private val script: List<JsonObject>) : TokenProvider, BearerTokenProvider {
    private val requests = MutableStateFlow<List<JsonValue>>(emptyList())

    override suspend fun tokens(request: RefreshParams): ExternalTokens {
        val step = next(request.toJson())
        (step["command"] as JsonObject?)?.let { command ->
            val status = (command.getValue("status") as JsonNumber).literal
            val helper = shell("echo \"$0\" >&2; exit \"$1\"") + command.text("says") + status
            return commandTokens(helper).tokens(request)
        }
        return ExternalTokens.fromJson(answer(step))
    }

    override suspend fun token(request: BearerTokenRefreshParams): BearerToken =
        BearerToken.fromJson(answer(next(request.toJson())))

    private fun next(request: JsonValue): JsonObject =
        script[requests.updateAndGet { it.plusElement(request) }.size - 1]

    private suspend fun answer(step: JsonObject): JsonValue {
        if ("fail" in step) error(step.text("fail"))
        if ("hang" in step) awaitCancellation()
        return filled(step.getValue("answer"), TOKENS)
    }

    /** The [number]th request, as JSON. */
    suspend fun request(number: Int): JsonValue = requests.first { it.size >= number }[number - 1]
}

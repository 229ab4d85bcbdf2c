package byokey.suite

import byokey.TokenProvider
import byokey.commandTokens
import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonValue
import byokey.protocol.ExternalTokens
import byokey.protocol.RefreshParams
import byokey.shell
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.updateAndGet

/** A token provider that follows the transcript. */
internal class ScriptedProvider(private val script: List<JsonObject>) : TokenProvider {
    private val requests = MutableStateFlow<List<RefreshParams>>(emptyList())

    override suspend fun tokens(request: RefreshParams): ExternalTokens {
        val step = script[requests.updateAndGet { it + request }.size - 1]
        (step["command"] as JsonObject?)?.let { command ->
            val status = (command.getValue("status") as JsonNumber).literal
            val helper = shell("echo \"$0\" >&2; exit \"$1\"") + command.text("says") + status
            return commandTokens(helper).tokens(request)
        }
        if ("fail" in step) error(step.text("fail"))
        if ("hang" in step) awaitCancellation()
        return ExternalTokens.fromJson(filled(step.getValue("answer"), TOKENS))
    }

    /** The [number]th request, as JSON. */
    suspend fun request(number: Int): JsonValue = requests.first { it.size >= number }[number - 1].toJson()
}

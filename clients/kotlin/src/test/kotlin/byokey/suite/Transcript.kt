/** The files of the suite of all clients. */
package byokey.suite

import byokey.BearerLogin
import byokey.PROJECT
import byokey.json.JsonArray
import byokey.json.JsonBoolean
import byokey.json.JsonNumber
import byokey.json.JsonObject
import byokey.json.JsonString
import byokey.json.JsonValue
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

internal val SUITE = File(PROJECT, "clients/suite")

/** The fake tokens by name. */
internal val TOKENS: Map<String, JsonValue> = readObject(File(SUITE, "tokens.json"))

/** One transcript, with both sides of the connection. */
internal class Transcript(val file: File, names: Map<String, JsonValue> = emptyMap()) {
    private val members = filled(readObject(file), names) as JsonObject
    val name: String = file.nameWithoutExtension
    val capabilities: JsonObject? = members["capabilities"] as JsonObject?
    val refresh: List<JsonObject> = steps("refresh")
    val startTimeout: Duration = ((members["startTimeoutMs"] as JsonNumber?)?.toLongOrNull() ?: 10_000).milliseconds
    val spawnFails: String? = (members["spawnFails"] as JsonString?)?.value
    val spawnSays: List<String> = (members["spawnSays"] as JsonArray?).orEmpty().map { (it as JsonString).value }
    val isSupervised: Boolean = members["supervised"] == JsonBoolean(true)
    val bearerLogin: BearerLogin? = (members["bearerLogin"] as JsonObject?)?.let {
        BearerLogin(it.text("origin"), (it["label"] as JsonString?)?.value)
    }
    val isForCodex: Boolean = "codex" in members
    val client: List<JsonObject> = steps("client")
    val isScripted: Boolean = "server" in members || "servers" in members
    val settings: List<String> = (members["settings"] as JsonArray?).orEmpty().map { (it as JsonString).value }
    val backend: JsonValue? = members["backend"]?.let { filled(it, TOKENS) }

    private fun steps(name: String) = (members[name] as JsonArray?).orEmpty().map { it as JsonObject }

    companion object {
        fun all(): List<Transcript> = listOf("transcripts", "programs")
            .flatMap { File(SUITE, it).listFiles { file -> file.extension == "json" }.orEmpty().sorted() }
            .map(::Transcript)
    }
}

/** [value] with each `$name` replaced from [names]. */
internal fun filled(value: JsonValue, names: Map<String, JsonValue>): JsonValue = when (value) {
    is JsonObject -> JsonObject(value.mapValues { filled(it.value, names) })
    is JsonArray -> JsonArray(value.map { filled(it, names) })
    is JsonString -> if (value.value.startsWith("$")) names[value.value.drop(1)] ?: value else value
    else -> value
}

/** Whether [actual] contains all members of [wanted]. */
internal fun has(actual: JsonValue?, wanted: JsonValue): Boolean = when (wanted) {
    is JsonObject -> actual is JsonObject && wanted.all { (name, member) -> has(actual[name], member) }
    is JsonArray ->
        actual is JsonArray && actual.size == wanted.size &&
            actual.zip(wanted).all { (one, other) -> has(one, other) }
    else -> actual == wanted
}

internal fun JsonObject.text(name: String): String = (getValue(name) as JsonString).value

private fun readObject(file: File) = JsonValue.parse(file.readText()) as JsonObject

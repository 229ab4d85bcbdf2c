package byokey.protocol

import byokey.Secret
import byokey.json.*

/** A value of the protocol. */
public interface WireType {
    /** Writes it, with its secrets: the result is for the peer only. */
    public fun toJson(): JsonValue
}

/**
 * JSON from the peer that does not have the expected type. The text has the path, never a value.
 */
public class WireException(
    /** The path: names of members, never a value. */
    public val at: String,
    expected: String,
) : IllegalArgumentException(if (at.isEmpty()) "this is not $expected" else "`$at` is not $expected")

internal class Members(private val members: Map<String, JsonValue>, private val at: String) {
    fun <T : Any> required(name: String, read: (JsonValue, String) -> T): T =
        read(members[name] ?: throw WireException(inside(name), "there"), inside(name))

    fun <T : Any> optional(name: String, read: (JsonValue, String) -> T): T? =
        members[name]?.takeUnless { it is JsonNull }?.let { read(it, inside(name)) }

    private fun inside(name: String) = if (at.isEmpty()) name else "$at.$name"
}

internal class Writer(private val members: MutableMap<String, JsonValue>) {
    fun put(name: String, value: JsonValue) {
        members[name] = value
    }

    fun putOrNull(name: String, value: JsonValue?) {
        members[name] = value ?: JsonNull
    }

    fun putIfThere(name: String, value: JsonValue?) {
        if (value != null) members[name] = value
    }
}

internal fun writeObject(fill: Writer.() -> Unit): JsonObject =
    JsonObject(LinkedHashMap<String, JsonValue>().also { Writer(it).fill() })

internal fun <T> writeList(items: List<T>, write: (T) -> JsonValue): JsonArray =
    JsonArray(items.map(write))

internal fun <T> writeMap(items: Map<String, T>, write: (T) -> JsonValue): JsonObject =
    JsonObject(items.mapValues { write(it.value) })

internal fun readMembers(json: JsonValue, at: String): Members =
    Members(readObject(json, at).members, at)

internal fun readTag(json: JsonValue, tag: String, at: String): String =
    readMembers(json, at).required(tag, ::readString)

internal fun hasMember(json: JsonValue, name: String): Boolean =
    json is JsonObject && name in json.members

internal fun readMember(json: JsonValue, name: String): JsonValue =
    (json as? JsonObject)?.members?.get(name) ?: JsonNull

internal fun readObject(json: JsonValue, at: String): JsonObject =
    json as? JsonObject ?: throw WireException(at, "an object")

internal fun readString(json: JsonValue, at: String): String =
    (json as? JsonString)?.value ?: throw WireException(at, "a string")

internal fun readSecret(json: JsonValue, at: String): Secret = Secret(readString(json, at))

internal fun readBoolean(json: JsonValue, at: String): Boolean =
    (json as? JsonBoolean)?.value ?: throw WireException(at, "true or false")

internal fun readLong(json: JsonValue, at: String): Long =
    (json as? JsonNumber)?.literal?.toLongOrNull() ?: throw WireException(at, "a whole number")

internal fun readAny(json: JsonValue, @Suppress("UNUSED_PARAMETER") at: String): JsonValue = json

internal fun <T> readList(read: (JsonValue, String) -> T): (JsonValue, String) -> List<T> =
    { json, at ->
        val items = json as? JsonArray ?: throw WireException(at, "a list")
        items.elements.mapIndexed { index, item -> read(item, "$at[$index]") }
    }

internal fun <T> readMap(read: (JsonValue, String) -> T): (JsonValue, String) -> Map<String, T> =
    { json, at -> readObject(json, at).members.mapValues { read(it.value, "$at[]") } }

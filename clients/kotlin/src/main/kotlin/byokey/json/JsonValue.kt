/** JSON values: a small tree that shows its content only on request. */
package byokey.json

/**
 * A JSON value.
 *
 * [toJson] writes it. `toString` only names its type, because a value may contain a token.
 */
public sealed interface JsonValue {
    /** The value as JSON text on one line. */
    public fun toJson(): String = StringBuilder().also { writeJson(this, it) }.toString()

    public companion object {
        /**
         * Parses one JSON text.
         *
         * @throws JsonSyntaxException if it is invalid
         */
        public fun parse(text: String): JsonValue = JsonReader(text).readAll()
    }
}

/** An object. Its members keep their order. */
public class JsonObject(public val members: Map<String, JsonValue>) :
    JsonValue, Map<String, JsonValue> by members {
    public constructor(vararg members: Pair<String, JsonValue>) : this(linkedMapOf(*members))

    override fun equals(other: Any?): Boolean = other is JsonObject && other.members == members

    override fun hashCode(): Int = members.hashCode()

    override fun toString(): String = "JsonObject($size)"
}

/** An array. */
public class JsonArray(public val elements: List<JsonValue>) :
    JsonValue, List<JsonValue> by elements {
    public constructor(vararg elements: JsonValue) : this(elements.asList())

    override fun equals(other: Any?): Boolean = other is JsonArray && other.elements == elements

    override fun hashCode(): Int = elements.hashCode()

    override fun toString(): String = "JsonArray($size)"
}

/** A string. */
public class JsonString(public val value: String) : JsonValue {
    override fun equals(other: Any?): Boolean = other is JsonString && other.value == value

    override fun hashCode(): Int = value.hashCode()

    override fun toString(): String = "JsonString"
}

/** A number in its original spelling, so that no digit is lost. */
public class JsonNumber(
    /** The number in JSON. */
    public val literal: String,
) : JsonValue {
    init {
        require(SPELLING.matches(literal)) { "JSON spells numbers in another way." }
    }

    public constructor(value: Long) : this(value.toString())

    public constructor(value: Int) : this(value.toString())

    /** The number, if it is an integer in range. */
    public fun toLongOrNull(): Long? = literal.toLongOrNull()

    /** The nearest double. */
    public fun toDouble(): Double = literal.toDouble()

    override fun equals(other: Any?): Boolean = other is JsonNumber && other.literal == literal

    override fun hashCode(): Int = literal.hashCode()

    override fun toString(): String = "JsonNumber"

    internal companion object {
        val SPELLING = Regex("""-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?""")
    }
}

/** `true` or `false`. */
public class JsonBoolean(public val value: Boolean) : JsonValue {
    override fun equals(other: Any?): Boolean = other is JsonBoolean && other.value == value

    override fun hashCode(): Int = value.hashCode()

    override fun toString(): String = "JsonBoolean"
}

/** `null`. */
public data object JsonNull : JsonValue

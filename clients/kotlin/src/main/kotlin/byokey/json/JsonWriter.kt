package byokey.json

/** Appends `value` as JSON text without a line break in it. */
internal fun writeJson(value: JsonValue, to: StringBuilder) {
    when (value) {
        is JsonObject -> {
            to.append('{')
            value.members.entries.forEachIndexed { index, (name, member) ->
                if (index > 0) to.append(',')
                writeString(name, to)
                to.append(':')
                writeJson(member, to)
            }
            to.append('}')
        }
        is JsonArray -> {
            to.append('[')
            value.elements.forEachIndexed { index, element ->
                if (index > 0) to.append(',')
                writeJson(element, to)
            }
            to.append(']')
        }
        is JsonString -> writeString(value.value, to)
        is JsonNumber -> to.append(value.literal)
        is JsonBoolean -> to.append(value.value)
        JsonNull -> to.append("null")
    }
}

private fun writeString(text: String, to: StringBuilder) {
    to.append('"')
    text.forEachIndexed { index, char ->
        when {
            char == '"' || char == '\\' -> to.append('\\').append(char)
            char == '\n' -> to.append("\\n")
            char < ' ' || char.isLoneSurrogate(text, index) -> to.append(escaped(char))
            else -> to.append(char)
        }
    }
    to.append('"')
}

private fun escaped(char: Char): String = "\\u" + char.code.toString(16).padStart(4, '0')

/** An unpaired surrogate cannot be encoded as UTF-8; escaped it is preserved. */
private fun Char.isLoneSurrogate(text: String, index: Int): Boolean = when {
    isHighSurrogate() -> text.getOrNull(index + 1)?.isLowSurrogate() != true
    isLowSurrogate() -> text.getOrNull(index - 1)?.isHighSurrogate() != true
    else -> false
}

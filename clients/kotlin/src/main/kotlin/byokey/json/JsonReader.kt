package byokey.json

/** Deeper than any real message, and within the stack. */
private const val MAX_DEPTH = 256

/** Parses one JSON text, strictly by RFC 8259. Of duplicate members the last counts. */
internal class JsonReader(private val text: String) {
    private var at = 0

    fun readAll(): JsonValue {
        val value = readValue(depth = 0)
        skipBlanks()
        return if (at == text.length) value else fail()
    }

    private fun readValue(depth: Int): JsonValue {
        if (depth > MAX_DEPTH) fail()
        skipBlanks()
        return when (peek()) {
            '{' -> readObject(depth)
            '[' -> readArray(depth)
            '"' -> JsonString(readString())
            't' -> readWord("true", JsonBoolean(true))
            'f' -> readWord("false", JsonBoolean(false))
            'n' -> readWord("null", JsonNull)
            else -> readNumber()
        }
    }

    private fun readObject(depth: Int): JsonObject {
        val members = LinkedHashMap<String, JsonValue>()
        readSequence('}') {
            skipBlanks()
            val name = readString()
            skipBlanks()
            expect(':')
            members[name] = readValue(depth + 1)
        }
        return JsonObject(members)
    }

    private fun readArray(depth: Int): JsonArray {
        val elements = ArrayList<JsonValue>()
        readSequence(']') { elements += readValue(depth + 1) }
        return JsonArray(elements)
    }

    /** Parses from the opening bracket to the closing one, with commas between the parts. */
    private inline fun readSequence(close: Char, readPart: () -> Unit) {
        at++
        skipBlanks()
        if (accept(close)) return
        do {
            readPart()
            skipBlanks()
        } while (accept(','))
        expect(close)
    }

    private fun readString(): String {
        expect('"')
        val start = at
        while (at < text.length && text[at] != '"' && text[at] != '\\' && text[at] >= ' ') at++
        if (peek() == '"') return text.substring(start, at++)
        val string = StringBuilder().append(text, start, at)
        while (true) {
            when (val char = next()) {
                '"' -> return string.toString()
                '\\' -> string.append(readEscape())
                else -> if (char >= ' ') string.append(char) else fail()
            }
        }
    }

    private fun readEscape(): Char = when (val char = next()) {
        '"', '\\', '/' -> char
        'b' -> '\b'
        'f' -> '\u000C'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> readHexadecimal()
        else -> fail()
    }

    private fun readHexadecimal(): Char {
        var code = 0
        repeat(4) {
            val digit = next()
            if (digit > 'f') fail()
            code = code * 16 + (digit.digitToIntOrNull(16) ?: fail())
        }
        return code.toChar()
    }

    private fun readNumber(): JsonNumber {
        val start = at
        while (at < text.length && text[at] in NUMBER_CHARACTERS) at++
        val literal = text.substring(start, at)
        if (!JsonNumber.SPELLING.matches(literal)) fail()
        return JsonNumber(literal)
    }

    private fun readWord(word: String, value: JsonValue): JsonValue {
        if (!text.startsWith(word, at)) fail()
        at += word.length
        return value
    }

    private fun skipBlanks() {
        while (at < text.length && text[at] in " \t\r\n") at++
    }

    /** Returns the current character, or NUL at the end of the text. */
    private fun peek(): Char = if (at < text.length) text[at] else END

    private fun next(): Char = if (at < text.length) text[at++] else fail()

    private fun accept(char: Char): Boolean = (peek() == char && at < text.length).also { if (it) at++ }

    private fun expect(char: Char) {
        if (!accept(char)) fail()
    }

    private fun fail(): Nothing = throw JsonSyntaxException(at)

    private companion object {
        const val END = '\u0000'
        const val NUMBER_CHARACTERS = "-+.eE0123456789"
    }
}

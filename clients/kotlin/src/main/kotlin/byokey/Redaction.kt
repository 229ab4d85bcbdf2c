/** Texts of other programs, made fit to be shown: one line, of bounded length, without secrets. */
package byokey

private const val MOST_SHOWN = 500

/** Of a longer text the rest is not looked at, in characters. */
private const val MOST_READ = 4 * MOST_SHOWN
private const val MOST_LINES = 10
private const val REDACTED = "[redacted]"

private val CONTROL = Regex("""\p{Cc}+""")
private val BEARER = Regex("""\b(bearer|basic)\s+\S+""", RegexOption.IGNORE_CASE)
private val USER_INFO = Regex("""//[^/\s@]+@""")

/** What tokens, keys and codes begin with; clients/suite/redaction.json has one of each. */
private val MARKED = Regex("""(?<![A-Za-z0-9])(?:eyJ|sk-|at-|ac_|rt[-_.]|sess-)[\w.+=~%-]{12,}""")

/** Any long run of the characters that tokens are made of. */
private val LONG = Regex("""[\w+=~%.-]{24,}""")

/** Host names are long and harmless. */
private val HOST_NAME = Regex("""(?:[a-z0-9-]{1,20}\.)+[a-z0-9-]{1,20}\.?""")
private val SETTING = Regex("""([\w.-]+)=(.*)""", RegexOption.DOT_MATCHES_ALL)
private val PLAIN_VALUE = Regex("""true|false|\d+|https?://[^\s@?#]*""")

/** Returns a text without what may be a secret. */
internal fun redact(text: String): String {
    val line = beginning(text).trim()
        .replace(BEARER, "$1 $REDACTED")
        .replace(USER_INFO, "//$REDACTED@")
        .replace(MARKED, REDACTED)
        .replace(LONG) { if (HOST_NAME.matches(it.value)) it.value else REDACTED }
    return if (line.length > MOST_SHOWN) line.take(MOST_SHOWN) + "…" else line
}

/** Returns the part of a text that is looked at, on one line. */
private fun beginning(text: String): String {
    val line = text.take(MOST_READ).replace(CONTROL, " ")
    // The last word may be the beginning of a secret, too short to be recognised as one.
    return if (text.length > MOST_READ) line.substringBeforeLast(' ', "") + " …" else line
}

/** Returns the arguments of a program; of settings only those values that cannot be secrets. */
internal fun redactArguments(args: List<String>): List<String> = args.map { arg ->
    val (key, value) = SETTING.matchEntire(arg)?.destructured ?: return@map redact(arg)
    "${redact(key)}=${if (PLAIN_VALUE.matches(value)) redact(value) else "…"}"
}

/** The last lines of a log, redacted. */
internal class Tail {
    private val last = ArrayDeque<String>()

    fun push(line: String) {
        if (line.isBlank()) return
        val shown = redact(line)
        synchronized(last) {
            if (last.size == MOST_LINES) last.removeFirst()
            last += shown
        }
    }

    /** The lines, the latest last. */
    val lines: List<String> get() = synchronized(last) { last.toList() }
}

/** What was started, and what it wrote last. Nothing of it holds a secret. */
internal class Launched(val command: String, val args: List<String>, val lastLog: List<String>) {
    /** The command line, for a text. */
    val shown: String get() = " (`${(listOf(command) + args).joinToString(" ")}`)"

    /** The end of the log, for a text. */
    val log: String
        get() = if (lastLog.isEmpty()) "" else " The end of its log:" + lastLog.joinToString("") { "\n  $it" }
}

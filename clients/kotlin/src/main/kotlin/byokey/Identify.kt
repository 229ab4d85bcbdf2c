/** Checks whether a program that ended early is byokey at all: there are others of this name. */
package byokey

import java.io.IOException
import kotlin.time.Duration.Companion.seconds

/** How long a program may take to print its version. */
private val TIMEOUT = 2.seconds

/** Exit codes of programs that do not understand their arguments. */
private val USAGE_STATUSES = setOf(1, 2, 64)
private val NOT_UNDERSTOOD =
    Regex("unrecogni[sz]ed|unknown|invalid|unexpected|usage|no such", RegexOption.IGNORE_CASE)
private val OURS = Regex("""\(byokey [^)]*\)|^codex""")

/** Returns a better error for a program that ended before it answered, if it is another one. */
internal suspend fun explainEnd(error: ConnectionClosedException, found: Found): ByokeyException {
    if (error.exitStatus !in USAGE_STATUSES || error.lastLog.none { it.contains(NOT_UNDERSTOOD) }) return error
    val version = versionOf(found.program)
    if (version == null || version.contains(OURS)) return error
    val name = if (version.isEmpty()) "" else ", which calls itself \"${redact(version)}\""
    return ServerNotFoundException(found.searched, "is another program$name", error.launched)
}

/** Returns the first line of a program's version output; null if it takes too long. */
private suspend fun versionOf(program: String): String? = try {
    runProgram(listOf(program, "--version"), TIMEOUT, onLog = null)?.output?.lineSequence()?.first()?.trim()
} catch (_: IOException) {
    null
} catch (_: TokenProviderException) {
    null
}

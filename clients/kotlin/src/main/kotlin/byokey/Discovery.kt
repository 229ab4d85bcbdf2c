/** Finds the program. */
package byokey

import java.io.File

/** The program, and the places that were searched. */
internal class Found(val program: String, val searched: List<String>)

/** The environment of the search. Tests replace it. */
internal class Surroundings(
    val environment: Map<String, String> = System.getenv(),
    val packageFolder: File? = folderOfThisPackage(),
    val platform: String = thisPlatform(),
) {
    val isWindows: Boolean get() = platform.startsWith("win32")

    /**
     * The places of a program on the search path. Relative entries do not count: another program of
     * this name may lie in a folder that was merely opened.
     */
    fun onPath(name: String): List<File> = environment["PATH"].orEmpty().split(File.pathSeparatorChar)
        .map(::File).filter { it.isAbsolute }.map { File(it, name) }
}

/**
 * Returns the program: [command] if given, else `BYOKEY_BIN`, else the bundled one, else `byokey`
 * on the search path.
 *
 * A bundled program is beside the jar, or in the folder `bin` beside the jar's folder, where an
 * editor's plugin has room for it, or in a folder there for the platform, such as `linux-x64`.
 */
internal fun findServer(command: String?, around: Surroundings = Surroundings()): Found {
    if (command != null) return around.resolved(command, listOf(command))
    val given = around.environment["BYOKEY_BIN"]
    if (!given.isNullOrEmpty()) return around.resolved(given, listOf("BYOKEY_BIN ($given)"))

    val name = if (around.isWindows) "byokey.exe" else "byokey"
    val bundled = around.packageFolder?.let { folder ->
        val bin = File(folder.parentFile, "bin")
        listOf(File(folder, name), File(bin, name), File(bin, "${around.platform}/$name"))
    }.orEmpty()
    val searched = listOf("BYOKEY_BIN (not set)") + bundled.map { "$it" } + "PATH"
    val program = (bundled + around.onPath(name)).firstOrNull { it.isFile && it.canExecute() }
    return Found(program?.path ?: throw ServerNotFoundException(searched), searched)
}

/** Windows starts a bare name from the working directory first, so it is looked up here. */
private fun Surroundings.resolved(command: String, searched: List<String>): Found {
    if (!isWindows || command.any { it in "\\/:" }) return Found(command, searched)
    val names = if ('.' in command) listOf(command) else listOf("$command.exe", "$command.com")
    val program = names.flatMap(::onPath).firstOrNull { it.isFile && it.canExecute() }
        ?: throw ServerNotFoundException(searched, "was not found on the search path")
    return Found(program.path, searched)
}

/** System and processor, named as in npm packages. */
private fun thisPlatform(): String {
    val system = System.getProperty("os.name").lowercase()
    val processor = System.getProperty("os.arch")
    val os = when {
        system.startsWith("windows") -> "win32"
        system.startsWith("mac") -> "darwin"
        else -> system
    }
    return os + "-" + (mapOf("amd64" to "x64", "x86_64" to "x64", "aarch64" to "arm64")[processor] ?: processor)
}

private fun folderOfThisPackage(): File? = try {
    ByokeyClient::class.java.protectionDomain.codeSource?.location
        ?.let { File(it.toURI()).parentFile }
} catch (_: IllegalArgumentException) {
    // The classes are not loaded from a file, so there is no place beside them.
    null
}

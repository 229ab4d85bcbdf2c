/** Finds the program. */
package byokey

import java.io.File

/** The program, and the places that were searched. */
internal class Found(val program: String, val lookedIn: List<String>)

/** The environment of the search. Tests replace it. */
internal class Surroundings(
    val environment: Map<String, String> = System.getenv(),
    val packageFolder: File? = folderOfThisPackage(),
    val platform: String = thisPlatform(),
)

/**
 * Returns the program: [command] if given, else `BYOKEY_BIN`, else the bundled one, else `byokey`
 * on the search path.
 *
 * A bundled program is beside the jar, or in the folder `bin` beside the jar's folder, where an
 * editor's plugin has room for it, or in a folder there for the platform, such as `linux-x64`.
 */
internal fun findServer(command: String?, around: Surroundings = Surroundings()): Found {
    if (command != null) return Found(command, listOf(command))
    val given = around.environment["BYOKEY_BIN"]
    if (!given.isNullOrEmpty()) return Found(given, listOf("BYOKEY_BIN ($given)"))

    val name = if (around.platform.startsWith("win32")) "byokey.exe" else "byokey"
    val bundled = around.packageFolder?.let { folder ->
        val bin = File(folder.parentFile, "bin")
        listOf(File(folder, name), File(bin, name), File(bin, "${around.platform}/$name"))
    }.orEmpty()
    val path = around.environment["PATH"].orEmpty().split(File.pathSeparatorChar)
    val onPath = path.filter { it.isNotEmpty() }.map { File(it, name) }
    val lookedIn = listOf("BYOKEY_BIN (not set)") + bundled.map { "$it" } + "PATH"
    val program = (bundled + onPath).firstOrNull { it.isFile && it.canExecute() }
    return Found(program?.path ?: throw ServerNotFoundException(lookedIn), lookedIn)
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

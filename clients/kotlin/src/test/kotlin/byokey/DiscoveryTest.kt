package byokey

import byokey.protocol.ClientInfo
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path

class DiscoveryTest {
    @TempDir
    lateinit var folder: Path

    private fun file(path: String, isProgram: Boolean = true): String = File(folder.toFile(), path).run {
        parentFile.mkdirs()
        writeText("")
        setExecutable(isProgram)
        this.path
    }

    private fun surroundings(given: String? = null) = Surroundings(
        environment = mapOf("PATH" to "/nowhere${File.pathSeparator}$folder/path") +
            (given?.let { mapOf("BYOKEY_BIN" to it) } ?: emptyMap()),
        packageFolder = File(folder.toFile(), "plugin/lib"),
        platform = "linux-x64",
    )

    @Test
    fun `what is named comes first, then BYOKEY_BIN, the package and the search path`() {
        val missing = assertThrows(ServerNotFoundException::class.java) { findServer(null, surroundings()) }
        val bundled = listOf("plugin/lib/byokey", "plugin/bin/byokey", "plugin/bin/linux-x64/byokey").map { "$folder/$it" }
        assertEquals(listOf("BYOKEY_BIN (not set)") + bundled + "PATH", missing.searched)
        assertTrue("command" in missing.message!!)

        file("plugin/bin/byokey", isProgram = false)
        val onPath = file("path/byokey")
        assertEquals(onPath, findServer(null, surroundings()).program)
        val forPlatform = file("plugin/bin/linux-x64/byokey")
        assertEquals(forPlatform, findServer(null, surroundings()).program)
        val besideLib = file("plugin/bin/byokey")
        assertEquals(besideLib, findServer(null, surroundings()).program)
        val besideJar = file("plugin/lib/byokey")
        assertEquals(besideJar, findServer(null, surroundings()).program)
        assertEquals("given", findServer(null, surroundings(given = "given")).program)
        assertEquals("named", findServer("named", surroundings(given = "given")).program)
    }

    @Test
    fun `the working directory is never searched`() {
        file("here/byokey.exe")
        fun around(path: String) = Surroundings(mapOf("PATH" to path), packageFolder = null, platform = "win32-x64")
        assertThrows(ServerNotFoundException::class.java) { findServer(null, around(".${File.pathSeparator}")) }
        // Windows starts a bare name from the working directory first.
        assertThrows(ServerNotFoundException::class.java) { findServer("byokey", around(".")) }
        assertEquals("$folder/here/byokey.exe", findServer("byokey", around("$folder/here")).program)
        assertEquals("C:\\byokey", findServer("C:\\byokey", around(".")).program)
    }

    @Test
    fun `a program that cannot be started is an error that says where it was looked for`(): Unit = runBlocking {
        val failure = runCatching { ByokeyClient.spawn(ClientInfo("test", version = "1"), { error("") }, "/nowhere/byokey") }
        val missing = failure.exceptionOrNull() as ServerNotFoundException
        assertEquals(listOf("/nowhere/byokey"), missing.searched)
        assertEquals("/nowhere/byokey", missing.command)
        assertEquals(listOf("app-server"), missing.args)
        assertTrue("byokey was not found (`/nowhere/byokey app-server`)" in missing.message!!, missing.message)
    }
}

package byokey

import main
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream

class ReadmeTest {
    private val readme = File("README.md").readText()

    @Test
    fun `the quick start is the one that is compiled here`() {
        val shown = readme.substringAfter("## Quick start").substringAfter("```kotlin\n").substringBefore("```")
        assertEquals(File("src/test/kotlin/byokey/QuickStart.kt").readText(), shown)
    }

    @Test
    fun `the service of the page for plugins is the one that is compiled here`() {
        val page = File("JETBRAINS.md").readText()
        val shown = page.substringAfter("## A service").substringAfter("```kotlin\n").substringBefore("```")
        assertEquals(File("src/test/kotlin/byokey/PluginSample.kt").readText(), shown)
    }

    @Test
    fun `the quick start prints an account`() {
        assumeTrue(System.getenv("BYOKEY_BIN") != null, "skipped: BYOKEY_BIN is not set")
        val printed = DevBackend().use { backend -> printedBy { main(backend.serverArgs.toTypedArray()) } }
        assertEquals("Chatgpt(email=ada@example.test, planType=PlanType(value=unknown))", printed.trim())
    }

    @Test
    fun `its headings are those of every client`() {
        val headings = readme.lines().filter { it.startsWith("## ") }.map { it.drop(3) }
        val common = listOf(
            "Install", "Quick start", "Methods", "Account", "Events", "Token providers", "Errors", "Closing", "Versions",
        )
        assertEquals(common, headings.filter { it in common })
        assertTrue(headings.containsAll(common))
    }

    private fun printedBy(run: () -> Unit): String {
        val before = System.out
        val printed = ByteArrayOutputStream()
        System.setOut(PrintStream(printed, true))
        try {
            run()
        } finally {
            System.setOut(before)
        }
        return printed.toString()
    }
}

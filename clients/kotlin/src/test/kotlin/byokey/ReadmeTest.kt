package byokey

import byokey.protocol.ClientInfo
import byokey.sample.View
import byokey.sample.account
import byokey.sample.errors
import byokey.sample.events
import byokey.sample.function
import byokey.sample.supervision
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.runBlocking
import main
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.util.concurrent.CopyOnWriteArrayList

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
    fun `every example is one that is compiled here`() {
        val compiled = listOf("QuickStart", "ReadmeSamples").joinToString("\n") {
            bare(File("src/test/kotlin/byokey/$it.kt").readText())
        }
        val shown = Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL).findAll(readme).map { it.groupValues[1] }.toList()
        assertEquals(8, shown.size)
        for (example in shown) assertTrue(bare(example) in compiled, example)
    }

    /** Without the indentation of a surrounding function. */
    private fun bare(text: String) = text.lines().map { it.trim() }.filter { it.isNotEmpty() }.joinToString("\n")

    @Test
    fun `the other examples run`(): Unit = runBlocking {
        val view = Shown()
        DevBackend().use { backend ->
            val host = ClientInfo("readme", version = "1")
            val program = byokeyProgram()
            assumeTrue(System.getenv("BYOKEY_BIN") != null, "skipped: BYOKEY_BIN is not set")
            val tokens = function { "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLnRlc3QifQ.made-up" }
            val printed = printedBy { runBlocking { supervision(host, tokens, backend.serverArgs) } }
            assertTrue("Say hello." in printed, printed)
            ByokeyClient.spawn(host, tokens, program, backend.serverArgs).use { client ->
                val failed = printedBy { runBlocking { errors(client) } }
                assertEquals("please sign in: authRequired", failed.trim())
                account(this, client, view)
                events(this, client, view)
                client.login(tokens.tokens().toLogin())
                waitUntil("the account is shown") { "ada@example.test, unknown" in view.texts }
                waitUntil("the plan is shown") { view.texts.any { it.startsWith("the plan is ") } }
            }
            coroutineContext.cancelChildren()
        }
    }

    private class Shown : View {
        val texts = CopyOnWriteArrayList<String>()

        override fun signedOut() {
            texts += "signed out"
        }

        override fun show(text: String) {
            texts += text
        }
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
            "Install", "Quick start", "Methods", "Supervision", "Account", "Events", "Token providers", "Errors", "Closing",
            "Packaging", "Versions",
        )
        assertEquals(common, headings.filter { it in common })
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

package byokey

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import java.io.File

/**
 * The handwritten public API, as compiled. The generated types are checked where they are
 * generated. `BYOKEY_WRITE_API=1` updates the file.
 */
class ApiTest {
    @Test
    fun `the public API is the one in api`() {
        val classes = File("target/classes").walk()
            .filter { it.extension == "class" && "byokey/protocol" !in it.invariantSeparatorsPath }
            .toList()
        val api = StringBuilder()
        AbiTools.getInstance(javaClass.classLoader).printJvmDump(api, classes, AbiFilters.EMPTY)
        val file = File("api/byokey-client.api")
        if (System.getenv("BYOKEY_WRITE_API") == "1") file.writeText(api.toString())
        assertEquals(
            file.readText(),
            api.toString(),
            "The public API has changed. If that is meant, run ./test.sh with BYOKEY_WRITE_API=1 and commit the file.",
        )
    }
}

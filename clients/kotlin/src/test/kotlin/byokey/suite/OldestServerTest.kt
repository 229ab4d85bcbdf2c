package byokey.suite

import byokey.json.JsonArray
import byokey.json.JsonObject
import byokey.json.JsonValue
import byokey.protocol.ClientRequests
import byokey.protocol.ServerNotifications
import byokey.protocol.ServerRequests
import byokey.protocol.WireType
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File

/** Today's types read the minimal messages of a server of this version. */
class OldestServerTest {
    private val readers: Map<String, (JsonValue, String) -> WireType> =
        ClientRequests.all.associate { it.name to it.readResult } +
            ServerRequests.all.associate { it.name to it.readParams } +
            ServerNotifications.all.associate { it.name to it.readParams }

    @Test
    fun `every message of the oldest server is read, and nothing of it is lost`() {
        val file = JsonValue.parse(File(SUITE, "oldest_server.json").readText()) as JsonObject
        val messages = (file.getValue("messages") as JsonArray).map { it as JsonObject }
        assertTrue(messages.size > 40, "there are ${messages.size}")
        for (message in messages) {
            val method = message.text("method")
            val value = message.getValue("value")
            val read = readers.getValue(method)(value, "").toJson()
            assertTrue(has(read, value), "$method: ${value.toJson()} became ${read.toJson()}")
        }
    }
}

import byokey.ByokeyClient
import byokey.Secret
import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import byokey.toLogin
import kotlinx.coroutines.runBlocking

// A fake token; a host gets it from its own login.
fun myTokens() = ExternalTokens(Secret("eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLnRlc3QifQ.made-up"), "my-workspace")

fun main(args: Array<String>) = runBlocking {
    ByokeyClient.spawn(ClientInfo("my-host", version = "1.0"), { myTokens() }, args = args.toList()).use { client ->
        client.login(myTokens().toLogin())
        println(client.readAccount().account)
    }
}

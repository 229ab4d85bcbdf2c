/** The examples of the README, as they are compiled. */
package byokey.sample

import byokey.BackendException
import byokey.ByokeyClient
import byokey.ByokeyException
import byokey.CloseAction
import byokey.Event
import byokey.Secret
import byokey.ServerOwnsLogin
import byokey.SignInRequiredException
import byokey.Supervisor
import byokey.TokenProvider
import byokey.commandTokens
import byokey.protocol.Account
import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import byokey.toLogin
import byokey.tokens
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlin.time.Duration.Companion.seconds

internal suspend fun login(host: ClientInfo, args: List<String>, browse: (String) -> Unit) {
    ByokeyClient.spawn(host, ServerOwnsLogin, args = args).use { client ->
        println(client.loginInBrowser { url -> browse(url) }.account)
        println(client.run("Say hello.") { piece -> print(piece) }.text)
    }
}

internal suspend fun supervision(host: ClientInfo, myTokens: TokenProvider, args: List<String>) {
    Supervisor.start(
        host,
        refreshTokens = myTokens,
        args = args,
        onClose = { end -> if (end.endsInARow > 10) CloseAction.DoNotRestart else CloseAction.Restart },
        onRestart = { restart -> println("restarted: ${restart.client.pid} ${restart.signInError}") },
    ).use { supervisor ->
        println(supervisor.ready().run("Say hello.").text)
    }
}

internal fun account(scope: CoroutineScope, client: ByokeyClient, view: View) {
    scope.launch {
        client.account.collect { account ->
            when (account) {
                null -> view.signedOut()
                is Account.Chatgpt -> view.show("${account.email}, ${account.planType.value}")
                else -> view.show("signed in")
            }
        }
    }
}

internal fun events(scope: CoroutineScope, client: ByokeyClient, view: View) {
    scope.launch {
        client.events.collect { event ->
            when (event) {
                is Event.AccountUpdated -> view.show("the plan is ${event.params.planType?.value}")
                is Event.MessageDelta -> print(event.params.delta)
                is Event.Unknown -> {} // newer than this client; event.method and event.json have it
                else -> {}
            }
        }
    }
}

internal fun function(newTokenFor: (String?) -> String): TokenProvider {
    val tokens = TokenProvider { request ->
        ExternalTokens(Secret(newTokenFor(request.previousAccountId)), "my-workspace")
    }
    return tokens
}

internal suspend fun command(client: ByokeyClient) {
    val tokens = commandTokens(listOf("my-token-helper", "--json"), timeout = 8.seconds)
    client.login(tokens.tokens().toLogin()) // asked for the first login, too
}

internal suspend fun errors(client: ByokeyClient) {
    try {
        println(client.readUsage().summary)
    } catch (error: SignInRequiredException) {
        println("please sign in: ${error.kind?.value}")
    } catch (error: BackendException) {
        println(if (error.isRetryable) "try again later" else error.message)
    } catch (error: ByokeyException) {
        println(error.message)
    }
}

internal interface View {
    fun signedOut()

    fun show(text: String)
}

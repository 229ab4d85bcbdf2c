package byokey

import byokey.protocol.ClientInfo
import byokey.protocol.ExternalTokens
import kotlinx.coroutines.withTimeout
import kotlin.time.Duration.Companion.seconds

internal val TEST_HOST = ClientInfo("test", version = "1")

/** Supplies made-up tokens. */
internal val MADE_UP_TOKENS = TokenProvider { ExternalTokens(Secret("made-up"), "ws-ada") }

/** `ask()` returns the next message of the client, `send(…)` sends one. */
private const val BEGINNING = """
import json, sys, time
def ask():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(0)
def send(**message):
    print(json.dumps(message), flush=True)
send(id=ask()["id"], result={"userAgent": "u", "codexHome": "h", "platformFamily": "unix", "platformOs": "linux",
     "serverInfo": {"name": "byokey", "version": "0", "protocolVersion": "1"},
     "hardening": {"wipingAllocator": True, "filesReadOnly": True}})
ask()
"""

/** Functions for one turn, `u` of the thread `t`. */
internal const val TURNS = """
def turn(status, error=None):
    return {"id": "u", "rootTurnId": "u", "items": [], "itemsView": "full", "status": status, "error": error}
def delta(text, turn="u"):
    send(method="item/agentMessage/delta", params={"threadId": "t", "turnId": turn, "itemId": "i", "delta": text})
def item(text, turn="u"):
    send(method="item/completed", params={"threadId": "t", "turnId": turn, "completedAtMs": 1,
         "item": {"type": "agentMessage", "id": "i", "text": text}})
def end(status, error=None):
    send(method="turn/completed", params={"threadId": "t", "turn": turn(status, error)})
def start():
    question = ask()
    send(id=question["id"], result={"turn": turn("inProgress")})
    return question["params"]["threadId"] + ": " + question["params"]["input"][0]["text"]
"""

/** A login that ends as `ends` says: well if it is empty, never if it is none. */
internal const val LOGINS = """
def login(ends):
    m = ask()
    send(method="account/login/completed", params={"loginId": "other", "success": False, "error": "not mine"})
    send(id=m["id"], result={"type": m["params"]["type"], "loginId": "l", "authUrl": "https://a.test",
         "verificationUrl": "https://v.test", "userCode": "AB-12"})
    if ends is not None:
        send(method="account/login/completed", params={"loginId": "l", "success": not ends, "error": ends or None})
"""

/** A server that knows its account, and ends at the call `die`. */
internal const val SERVER = """
email = None
while True:
    message = ask()
    method = message["method"]
    if method == "account/login/start":
        email = message["params"]["accessToken"]
        send(id=message["id"], result={"type": "chatgptAuthTokens"})
        send(method="account/updated", params={"authMode": "chatgptAuthTokens", "planType": "pro"})
    elif method == "account/logout":
        email = None
        send(id=message["id"], result={})
    elif method == "account/read":
        account = email and {"type": "chatgpt", "email": email, "planType": "pro"}
        send(id=message["id"], result={"account": account, "requiresOpenaiAuth": True})
    elif method == "die":
        sys.exit(3)
"""

/** The arguments of Python for a server that runs this program after the handshake. */
internal fun madeUpServer(vararg program: String): List<String> =
    listOf("-c", BEGINNING + program.joinToString("\n"))

/** Returns a client of such a server. */
internal suspend fun spawnMadeUp(
    vararg program: String,
    refreshTokens: TokenProvider = MADE_UP_TOKENS,
    onLog: ((String) -> Unit)? = null,
): ByokeyClient = withTimeout(LONG.seconds) {
    ByokeyClient.spawn(TEST_HOST, refreshTokens, "python3", madeUpServer(*program), onLog = onLog)
}

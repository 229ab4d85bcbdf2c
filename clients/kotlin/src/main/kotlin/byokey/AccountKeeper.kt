package byokey

import byokey.protocol.Account
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** The account as it is now: [read] when it is first asked for, and again after each [update]. */
internal class AccountKeeper(private val scope: CoroutineScope, private val read: suspend () -> Account?) {
    /** However many updates come during a read, one more tells the last of them. */
    private val updates = Channel<Unit>(Channel.CONFLATED)
    private val current = MutableStateFlow<Account?>(null)

    val account: StateFlow<Account?> by lazy {
        updates.trySend(Unit)
        scope.launch { keep() }
        current.asStateFlow()
    }

    fun update() {
        updates.trySend(Unit)
    }

    /** There will be no more, and nobody is signed in to a server that is gone. */
    fun end() {
        updates.close()
    }

    private suspend fun keep() {
        try {
            for (update in updates) {
                try {
                    current.value = read()
                } catch (_: ByokeyException) {
                    // What was known is still the best guess; the next update is read again.
                }
            }
        } finally {
            current.value = null
        }
    }
}

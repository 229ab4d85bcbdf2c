package byokey

import byokey.protocol.Account
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** The current account: [read] on first use, and again after each [update]. */
internal class AccountKeeper(private val scope: CoroutineScope, private val read: suspend () -> Account?) {
    /** Single flight: updates during a read lead to one more read. */
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

    /** Ends the updates; without a server there is no account. */
    fun end() {
        updates.close()
    }

    private suspend fun keep() {
        try {
            for (update in updates) {
                try {
                    current.value = read()
                } catch (_: ByokeyException) {
                    // The last known account remains; the next update is read again.
                }
            }
        } finally {
            current.value = null
        }
    }
}

/** One question and its whole answer. */
package byokey

import byokey.protocol.ThreadItem
import byokey.protocol.Turn
import byokey.protocol.TurnStartParams
import byokey.protocol.TurnStatus
import byokey.protocol.UserInput
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.channels.ReceiveChannel

/** An answer. */
public class RunResult internal constructor(
    /** What the model said last: the whole of its final message. */
    public val text: String,
    /** The conversation, to go on with. */
    public val threadId: String,
    /** The turn as it ended. */
    public val turn: Turn,
) {
    override fun toString(): String = "RunResult(thread $threadId, ${turn.status.value})"
}

/** Asks, waits for the end of the turn, and returns the answer. Cancelling it interrupts the turn. */
internal suspend fun ByokeyClient.answerTo(
    session: Session,
    question: TurnStartParams,
    onDelta: suspend (String) -> Unit,
): RunResult = session.hub.reading { events ->
    // Subscribed before the turn, so that no event is missed.
    val turn = startTurn(question).turn
    val answer = try {
        events.readAnswer(turn.id, onDelta)
    } catch (cancellation: CancellationException) {
        session.inBackground { interruptTurn(question.threadId, turn.id) }
        throw cancellation
    }
    // The events have ended, so the server is gone: a call fails with the reason.
    if (answer == null) readAccount()
    val ended = answer?.turn ?: turn
    if (ended.status != TurnStatus.Completed) {
        throw TurnFailedException(question.threadId, ended, session.shown(ended.error?.message))
    }
    RunResult(answer?.text.orEmpty(), question.threadId, ended)
}

internal fun questionOf(text: String, threadId: String, model: String?): TurnStartParams =
    TurnStartParams(threadId, listOf(UserInput.Text(text, emptyList())), model)

private class Answer(val text: String, val turn: Turn)

/** Reads events until this turn has ended; returns null if they end before. */
private suspend fun ReceiveChannel<Event>.readAnswer(turnId: String, onDelta: suspend (String) -> Unit): Answer? {
    var text = ""
    for (event in this) {
        when (event) {
            is Event.MessageDelta -> if (event.params.turnId == turnId) onDelta(event.params.delta)
            is Event.ItemCompleted -> {
                val item = event.params.item
                if (event.params.turnId == turnId && item is ThreadItem.AgentMessage) text = item.text
            }
            is Event.TurnCompleted -> if (event.params.turn.id == turnId) return Answer(text, event.params.turn)
            else -> {}
        }
    }
    return null
}

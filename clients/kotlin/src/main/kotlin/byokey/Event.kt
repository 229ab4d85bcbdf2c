/** The server's notifications. */
package byokey

import byokey.json.JsonValue
import byokey.protocol.AgentMessageDelta
import byokey.protocol.AuthRecovery
import byokey.protocol.ErrorNotification
import byokey.protocol.LoginCompleted
import byokey.protocol.NotificationMethod
import byokey.protocol.RateLimitsUpdated
import byokey.protocol.ServerNotifications
import byokey.protocol.ThreadGone
import byokey.protocol.TokenUsageUpdated
import byokey.protocol.TurnNotification
import byokey.protocol.WireException
import byokey.protocol.WireType
import byokey.protocol.AccountUpdated as AccountUpdatedParams
import byokey.protocol.ConfigWarning as ConfigWarningParams
import byokey.protocol.ItemCompleted as ItemCompletedParams
import byokey.protocol.ItemStarted as ItemStartedParams
import byokey.protocol.ThreadStarted as ThreadStartedParams
import byokey.protocol.ThreadStatusChanged as ThreadStatusChangedParams
import byokey.protocol.Warning as WarningParams

/** A notification of the server. Unknown ones are [Unknown]. */
public sealed interface Event {
    /** The method. */
    public val method: String

    /** The raw parameters, including unknown members. */
    public val json: JsonValue

    /** A known notification, with its [params]. */
    public sealed class Known<P : WireType>(
        type: NotificationMethod<P>,
        /** The parameters. */
        public val params: P,
        final override val json: JsonValue,
    ) : Event {
        final override val method: String = type.name

        override fun toString(): String = "Event($method, $params)"
    }

    /** The credential, the account or its plan changed. */
    public class AccountUpdated internal constructor(params: AccountUpdatedParams, json: JsonValue) :
        Known<AccountUpdatedParams>(ServerNotifications.accountUpdated, params, json)

    /** A login ended. */
    public class LoginEnded internal constructor(params: LoginCompleted, json: JsonValue) :
        Known<LoginCompleted>(ServerNotifications.accountLoginCompleted, params, json)

    /** New rate limits from the backend. */
    public class LimitsUpdated internal constructor(params: RateLimitsUpdated, json: JsonValue) :
        Known<RateLimitsUpdated>(ServerNotifications.accountRateLimitsUpdated, params, json)

    /** A thread was created. */
    public class ThreadStarted internal constructor(params: ThreadStartedParams, json: JsonValue) :
        Known<ThreadStartedParams>(ServerNotifications.threadStarted, params, json)

    /** A thread became active or idle, or is not loaded any more. */
    public class ThreadStatusChanged internal constructor(
        params: ThreadStatusChangedParams,
        json: JsonValue,
    ) : Known<ThreadStatusChangedParams>(ServerNotifications.threadStatusChanged, params, json)

    /** A thread was unloaded: its last subscriber let it go, or others needed the room. */
    public class ThreadClosed internal constructor(params: ThreadGone, json: JsonValue) :
        Known<ThreadGone>(ServerNotifications.threadClosed, params, json)

    /** A thread was deleted. */
    public class ThreadDeleted internal constructor(params: ThreadGone, json: JsonValue) :
        Known<ThreadGone>(ServerNotifications.threadDeleted, params, json)

    /** A turn started. */
    public class TurnStarted internal constructor(params: TurnNotification, json: JsonValue) :
        Known<TurnNotification>(ServerNotifications.turnStarted, params, json)

    /** An item started. */
    public class ItemStarted internal constructor(params: ItemStartedParams, json: JsonValue) :
        Known<ItemStartedParams>(ServerNotifications.itemStarted, params, json)

    /** A delta of the model's message. */
    public class MessageDelta internal constructor(params: AgentMessageDelta, json: JsonValue) :
        Known<AgentMessageDelta>(ServerNotifications.itemAgentMessageDelta, params, json)

    /** An item is complete. */
    public class ItemCompleted internal constructor(params: ItemCompletedParams, json: JsonValue) :
        Known<ItemCompletedParams>(ServerNotifications.itemCompleted, params, json)

    /** Token usage from the backend. */
    public class UsageUpdated internal constructor(params: TokenUsageUpdated, json: JsonValue) :
        Known<TokenUsageUpdated>(ServerNotifications.threadTokenUsageUpdated, params, json)

    /** A turn ended, successfully or not. */
    public class TurnCompleted internal constructor(params: TurnNotification, json: JsonValue) :
        Known<TurnNotification>(ServerNotifications.turnCompleted, params, json)

    /** A turn failed, or is retried. */
    public class TurnFailure internal constructor(params: ErrorNotification, json: JsonValue) :
        Known<ErrorNotification>(ServerNotifications.error, params, json)

    /** A turn waits for a login that was refused and is being renewed. */
    public class AuthRecoveryStarted internal constructor(params: AuthRecovery, json: JsonValue) :
        Known<AuthRecovery>(ServerNotifications.modelProviderAuthRecoveryStarted, params, json)

    /** The login is renewed, and the turn goes on. After a failed renewal the turn ends instead. */
    public class AuthRecoveryCompleted internal constructor(params: AuthRecovery, json: JsonValue) :
        Known<AuthRecovery>(ServerNotifications.modelProviderAuthRecoveryCompleted, params, json)

    /** A warning for the user. */
    public class Warning internal constructor(params: WarningParams, json: JsonValue) :
        Known<WarningParams>(ServerNotifications.warning, params, json)

    /** A problem in the configuration. */
    public class ConfigWarning internal constructor(params: ConfigWarningParams, json: JsonValue) :
        Known<ConfigWarningParams>(ServerNotifications.configWarning, params, json)

    /** An unknown notification, or one with invalid parameters. */
    public class Unknown internal constructor(
        override val method: String,
        override val json: JsonValue,
    ) : Event {
        override fun toString(): String = "Event($method)"
    }
}

/** Returns the event for a notification. */
internal fun eventOf(method: String, params: JsonValue): Event = try {
    KNOWN_EVENTS[method]?.invoke(params) ?: Event.Unknown(method, params)
} catch (_: WireException) {
    Event.Unknown(method, params)
}

private fun <P : WireType> NotificationMethod<P>.to(
    event: (P, JsonValue) -> Event,
): Pair<String, (JsonValue) -> Event> = name to { json -> event(readParams(json, ""), json) }

/** The parsers of the known notifications. */
internal val KNOWN_EVENTS: Map<String, (JsonValue) -> Event> = with(ServerNotifications) {
    mapOf(
        accountUpdated.to(Event::AccountUpdated),
        accountLoginCompleted.to(Event::LoginEnded),
        accountRateLimitsUpdated.to(Event::LimitsUpdated),
        threadStarted.to(Event::ThreadStarted),
        threadStatusChanged.to(Event::ThreadStatusChanged),
        threadClosed.to(Event::ThreadClosed),
        threadDeleted.to(Event::ThreadDeleted),
        turnStarted.to(Event::TurnStarted),
        itemStarted.to(Event::ItemStarted),
        itemAgentMessageDelta.to(Event::MessageDelta),
        itemCompleted.to(Event::ItemCompleted),
        threadTokenUsageUpdated.to(Event::UsageUpdated),
        turnCompleted.to(Event::TurnCompleted),
        error.to(Event::TurnFailure),
        modelProviderAuthRecoveryStarted.to(Event::AuthRecoveryStarted),
        modelProviderAuthRecoveryCompleted.to(Event::AuthRecoveryCompleted),
        warning.to(Event::Warning),
        configWarning.to(Event::ConfigWarning),
    )
}

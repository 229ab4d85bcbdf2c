package byokey.protocol

import byokey.json.JsonValue

/** A request. */
public class RequestMethod<P : WireType, R : WireType>(
    /** Name on the wire. */
    public val name: String,
    /** Reads its parameters; the second argument is their path for errors. */
    public val readParams: (JsonValue, String) -> P,
    /** Reads its result. */
    public val readResult: (JsonValue, String) -> R,
)

/** A notification. */
public class NotificationMethod<P : WireType>(
    /** Name on the wire. */
    public val name: String,
    /** Reads its parameters; the second argument is their path for errors. */
    public val readParams: (JsonValue, String) -> P,
)

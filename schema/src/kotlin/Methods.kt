package byokey.protocol

import byokey.json.JsonValue

/** A method that is answered. */
public class RequestMethod<P : WireType, R : WireType>(
    /** Name on the wire. */
    public val name: String,
    /** Reads its parameters; the second argument says where they came from. */
    public val readParams: (JsonValue, String) -> P,
    /** Reads its result. */
    public val readResult: (JsonValue, String) -> R,
)

/** A method that is not answered. */
public class NotificationMethod<P : WireType>(
    /** Name on the wire. */
    public val name: String,
    /** Reads its parameters; the second argument says where they came from. */
    public val readParams: (JsonValue, String) -> P,
)

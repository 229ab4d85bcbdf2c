package byokey.json

/** The text is not JSON. The error has the position, never the text. */
public class JsonSyntaxException internal constructor(
    /** The position of the error, in characters from 0. */
    public val position: Int,
) : IllegalArgumentException("This is no JSON, from character $position on.")

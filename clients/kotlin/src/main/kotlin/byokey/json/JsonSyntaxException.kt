package byokey.json

/** A text is no JSON. Only the place is told, never the text. */
public class JsonSyntaxException internal constructor(
    /** Where reading ended, in characters from 0. */
    public val position: Int,
) : IllegalArgumentException("This is no JSON, from character $position on.")

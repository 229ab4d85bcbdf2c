package byokey

/**
 * A text that must not be shown: a token or a key.
 *
 * It shows as `[redacted]`. [expose] gives the text, directly before it is used.
 */
public class Secret(private val text: String) {
    /** The text itself. */
    public fun expose(): String = text

    override fun equals(other: Any?): Boolean = other is Secret && other.text == text

    override fun hashCode(): Int = text.hashCode()

    override fun toString(): String = "[redacted]"
}

package byokey

/**
 * A text that must not be shown: a token or a key.
 *
 * Its `toString` is `[redacted]`. [expose] returns the text, directly before its use.
 */
public class Secret(private val text: String) {
    /** Returns the text. */
    public fun expose(): String = text

    override fun equals(other: Any?): Boolean = other is Secret && other.text == text

    override fun hashCode(): Int = text.hashCode()

    override fun toString(): String = "[redacted]"
}

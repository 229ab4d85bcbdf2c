P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Request(Generic[P, R]):
    """A request."""

    name: str
    """Name on the wire."""
    read_params: Callable[[object, str], P]
    """Reads its parameters from JSON; the second argument is their path for errors."""
    read_result: Callable[[object, str], R]
    """Reads its result from JSON."""


@dataclass(frozen=True, slots=True)
class Notification(Generic[P]):
    """A notification."""

    name: str
    """Name on the wire."""
    read_params: Callable[[object, str], P]
    """Reads its parameters from JSON; the second argument is their path for errors."""


P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Request(Generic[P, R]):
    """A method that is answered."""

    name: str
    """Name on the wire."""
    read_params: Callable[[object, str], P]
    """Reads its parameters from JSON; the second argument says where they came from."""
    read_result: Callable[[object, str], R]
    """Reads its result from JSON."""


@dataclass(frozen=True, slots=True)
class Notification(Generic[P]):
    """A method that is not answered."""

    name: str
    """Name on the wire."""
    read_params: Callable[[object, str], P]
    """Reads its parameters from JSON; the second argument says where they came from."""


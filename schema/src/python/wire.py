from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from .._secret import Secret

T = TypeVar("T")


class WireError(ValueError):
    """JSON from the peer that does not have the expected type."""

    def __init__(self, at: str, expected: str) -> None:
        super().__init__(f"`{at}` is not {expected}" if at else f"this is not {expected}")
        self.at = at
        """The path: names of members, never a value."""


def members(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WireError(at, "an object")
    return cast("dict[str, Any]", value)


def required(members: Mapping[str, Any], name: str, at: str, read: Callable[[object, str], T]) -> T:
    at = f"{at}.{name}" if at else name
    if name not in members:
        raise WireError(at, "there")
    return read(members[name], at)


def optional(
    members: Mapping[str, Any], name: str, at: str, read: Callable[[object, str], T]
) -> T | None:
    value = members.get(name)
    if value is None:
        return None
    return read(value, f"{at}.{name}" if at else name)


def string(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise WireError(at, "a string")
    return value


def secret(value: object, at: str) -> Secret:
    return Secret(string(value, at))


def boolean(value: object, at: str) -> bool:
    if not isinstance(value, bool):
        raise WireError(at, "true or false")
    return value


def integer(value: object, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise WireError(at, "a whole number")
    return value


def string_or_integer(value: object, at: str) -> str | int:
    return value if isinstance(value, str) else integer(value, at)


def anything(value: object, at: str) -> Any:
    return value


def list_of(read: Callable[[object, str], T]) -> Callable[[object, str], tuple[T, ...]]:
    def read_list(value: object, at: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise WireError(at, "a list")
        items = cast("list[object]", value)
        return tuple(read(item, f"{at}[{index}]") for index, item in enumerate(items))

    return read_list


def map_of(read: Callable[[object, str], T]) -> Callable[[object, str], dict[str, T]]:
    def read_map(value: object, at: str) -> dict[str, T]:
        return {name: read(item, f"{at}[]") for name, item in members(value, at).items()}

    return read_map

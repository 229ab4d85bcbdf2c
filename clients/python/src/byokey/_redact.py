"""Texts of other programs, made fit to be shown: one line, of a bounded length, without secrets."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_SHOWN = 500
_MOST_READ = 4 * _MOST_SHOWN
"""Of a longer text the rest is not looked at, in characters."""
_MOST_LINES = 10
_REDACTED = "[redacted]"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_BEARER = re.compile(r"\b(bearer|basic)\s+\S+", re.IGNORECASE)
_USER_INFO = re.compile(r"//[^/\s@]+@")
_MARKED = re.compile(
    r"(?<![A-Za-z0-9])(?:eyJ|sk-|at-|ac_|rt[-_.]|sess-)[\w.+=~%-]{12,}", re.ASCII
)
"""What tokens, keys and codes begin with; clients/suite/redaction.json has one of each."""
_LONG = re.compile(r"[\w+=~%.-]{24,}", re.ASCII)
"""Any long run of the characters that tokens are made of."""
_HOST_NAME = re.compile(r"(?:[a-z0-9-]{1,20}\.)+[a-z0-9-]{1,20}\.?")
_SETTING = re.compile(r"([\w.-]+)=(.*)", re.ASCII | re.DOTALL)
_PLAIN_VALUE = re.compile(r"true|false|\d+|https?://[^\s@?#]*")


def redact(text: str) -> str:
    """Returns a text without what may be a secret."""
    line = _BEARER.sub(rf"\1 {_REDACTED}", _beginning(text).strip())
    line = _USER_INFO.sub(f"//{_REDACTED}@", line)
    line = _MARKED.sub(_REDACTED, line)
    line = _LONG.sub(lambda it: it[0] if _HOST_NAME.fullmatch(it[0]) else _REDACTED, line)
    return line if len(line) <= _MOST_SHOWN else line[:_MOST_SHOWN] + "…"


def _beginning(text: str) -> str:
    """Returns the part of a text that is looked at, on one line."""
    line = _CONTROL.sub(" ", text[:_MOST_READ])
    if len(text) <= _MOST_READ:
        return line
    # The last word may be the beginning of a secret, too short to be recognised as one.
    return f"{line.rpartition(' ')[0]} …"


def redact_arguments(args: Sequence[str]) -> tuple[str, ...]:
    """Returns arguments of a program; of settings only those values that cannot be secrets."""
    return tuple(map(_redact_argument, args))


def _redact_argument(arg: str) -> str:
    setting = _SETTING.fullmatch(arg)
    if setting is None:
        return redact(arg)
    key, value = setting.groups()
    return f"{redact(key)}={redact(value) if _PLAIN_VALUE.fullmatch(value) else '…'}"


class Tail:
    """The last lines of a log, redacted."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)

    def push(self, line: str) -> None:
        """Adds a line."""
        if line.strip():
            self._lines.append(redact(line))

    def lines(self) -> tuple[str, ...]:
        """Returns them, the latest last."""
        return tuple(self._lines)


@dataclass(frozen=True)
class Launched:
    """What was started, and what it wrote last. Nothing of it holds a secret."""

    command: str
    args: tuple[str, ...]
    last_log: tuple[str, ...] = ()

    def shown(self) -> str:
        """The command line, for a text."""
        return f" (`{' '.join((self.command, *self.args))}`)"

    def log(self) -> str:
        """The end of the log, for a text."""
        if not self.last_log:
            return ""
        return ". The end of its log:" + "".join(f"\n  {line}" for line in self.last_log)

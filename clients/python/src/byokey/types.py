"""The types of the protocol, generated from the server's own."""

from ._generated.types import *  # noqa: F403

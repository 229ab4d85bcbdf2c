"""The methods of the protocol with their types, for `ByokeyClient.request` and `ByokeyClient.on`."""

from ._generated.methods import *  # noqa: F403

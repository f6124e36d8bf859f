"""The connectors that have a door of their own, by kind: how their requests are verified, how they are read."""

from collections.abc import Callable, Mapping
from typing import Final

from connectors.base import Connector, ConnectorKind
from connectors.stripe import normalise, verify
from schemas.raw import RawRecord

CONNECTORS: Final[Mapping[ConnectorKind, Connector]] = {
    "stripe": Connector(kind="stripe", verify=verify.verify, normalise=normalise.normalise),
}

# What a request that tells no event is known by at its source: id and type, each None where it cannot be read.
NAMES: Final[Mapping[ConnectorKind, Callable[[RawRecord], tuple[str | None, str | None]]]] = {"stripe": normalise.named}

"""The connectors that have a door of their own, by kind: how their requests are verified, how they are read."""

from collections.abc import Mapping
from typing import Final

from connectors.base import Connector, ConnectorKind
from connectors.stripe import normalise, verify

CONNECTORS: Final[Mapping[ConnectorKind, Connector]] = {
    "stripe": Connector(kind="stripe", verify=verify.verify, normalise=normalise.normalise),
}

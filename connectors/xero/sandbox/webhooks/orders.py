"""How the next deliveries are to misbehave, by order of a test."""

from typing import Annotated, NamedTuple

import msgspec

from connectors.xero.sandbox.wire import Json

_Count = Annotated[int, msgspec.Meta(ge=0)]


class Fate(NamedTuple):
    """What becomes of one delivery. `releases`: it is the last of those that are held."""

    lost: bool = False
    doubled: bool = False
    held: bool = False
    releases: bool = False
    delay_s: float = 0.0


class Orders(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left of the orders; each number counts the deliveries that it is still for.

    `lose`: not sent, though their sequences are used up. `double`: sent twice, with the same bytes. `reorder`: held
    until so many are there, then sent last first. `delay`: sent `delay_s` seconds late, while later ones go on; without
    a number, one. A delivery that is lost uses up no other order.
    """

    lose: _Count = 0
    double: _Count = 0
    reorder: _Count = 0
    delay: _Count = 0
    delay_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def __post_init__(self) -> None:
        if self.delay_s and not self.delay:
            self.delay = 1

    def take(self) -> Fate:
        """The fate of the next delivery; counts down."""
        if self.lose:
            self.lose -= 1
            return Fate(lost=True)
        fate = Fate(
            doubled=self.double > 0,
            held=self.reorder > 0,
            releases=self.reorder == 1,
            delay_s=self.delay_s if self.delay else 0.0,
        )
        self.double, self.reorder, self.delay = (max(left - 1, 0) for left in (self.double, self.reorder, self.delay))
        return fate

    def shown(self) -> Json:
        """For the admin surface."""
        return msgspec.structs.asdict(self)

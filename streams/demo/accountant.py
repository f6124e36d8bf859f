"""What must be in the books of both organisations, and what is."""

from dataclasses import dataclass, field
from typing import Final

from streams.demo.boutique import Boutique
from streams.demo.events import Event
from streams.demo.expected import Expected, Money, expected
from streams.demo.home import IRISH, Home
from streams.demo.oracle import Findings, compare
from streams.demo.producers import Log
from streams.demo.shop import SHOP, Day
from streams.demo.shop_books import shop_books
from streams.demo.xero import Xero

_IRISH_SALES: Final = f"{SHOP}, in €"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The books to be, of the organisation in sterling and of the one in euro."""

    british: Expected
    irish: Expected

    @property
    def documents(self) -> int:
        """How many documents are wanted in both."""
        return self.british.documents + self.irish.documents


@dataclass(slots=True, kw_only=True)
class Accountant:
    """Believes the senders' log, the shop's own books, and what people say to have booked `by_hand`."""

    home: Home
    day: Day
    log: Log
    boutique: Boutique
    xero: Xero
    irish: Xero
    by_hand: list[Money] = field(default_factory=list)

    def wanted(self, *, mended: bool) -> Wanted:
        """What follows from all that was accepted so far; `mended`: the tenant file has the rate that it lacked."""
        circumstances = self.home.circumstances(frozenset() if mended else self.day.held, mended=mended)
        sold = shop_books(self.boutique.shop, circumstances.prefixes)
        in_ireland = self.home.circumstances(frozenset(), mended=True, tenant=IRISH)
        irish, british = self._accepted()
        return Wanted(
            expected(british, circumstances).with_(sold), expected(irish, in_ireland).paid_by_hand(self.by_hand)
        )

    async def compare(self, wanted: Wanted) -> Findings:
        """The books as they stand, beside what they must hold."""
        british = compare(wanted.british, await self.xero.books(), self.home.rates())
        irish = compare(wanted.irish, await self.irish.books(), self.home.rates(IRISH))
        return british.and_of(_IRISH_SALES, irish)

    def _accepted(self) -> tuple[list[Event], list[Event]]:
        """What was accepted, for the Irish organisation and for the British one."""
        irish = {(event.source, event.id) for event in self.day.irish}
        log = self.log.accepted
        return (
            [event for event in log if (event.source, event.id) in irish],
            [event for event in log if (event.source, event.id) not in irish],
        )

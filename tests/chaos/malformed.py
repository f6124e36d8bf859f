"""Events that nobody can book: each bears a word of its own, by which it is found among the dead letters, or not."""

import json
import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tests.chaos import shapes
from tests.chaos.shapes import Line, Order


class Bad(NamedTuple):
    """One of them. `over_http`: what the receiver's door would say no to goes only straight into Kafka."""

    body: bytes
    over_http: bool
    kind: str


def draw(chance: random.Random, word: str, minute: int) -> Bad:
    """Any of them; `word` stands in its order's id."""
    kind, over_http, build = chance.choice(_KINDS)
    return Bad(build(word, minute), over_http, kind)


def _order(word: str, minute: int, **changes: Any) -> dict[str, Any]:
    order = Order("shop-1", word, "GBP", {"id": word, "name": f"Nobody {word}"}, (Line(1000, 2, "20"),), True)
    document = dict(shapes.sale(order, word, 1, minute))
    return document | {"data": {**document["data"], **changes}}


def _text(document: Any) -> bytes:
    return json.dumps(document).encode()


def _garbage(word: str, minute: int) -> bytes:
    return b"\x00\xff\xfe{" + word.encode()


def _cut_off(word: str, minute: int) -> bytes:
    return _text(_order(word, minute))[:-20]


def _no_event(word: str, minute: int) -> bytes:
    return _text({"order": word})


def _without_id(word: str, minute: int) -> bytes:
    return _text({name: value for name, value in _order(word, minute).items() if name != "id"})


def _other_source(word: str, minute: int) -> bytes:
    return _text(_order(word, minute) | {"source": "shop-9"})


def _float(word: str, minute: int) -> bytes:
    return _text(_order(word, minute, total=20.0))


def _nul(word: str, minute: int) -> bytes:
    return _text(_order(word, minute, number=f"{word}\x00"))


def _deep(word: str, minute: int) -> bytes:
    return _text(_order(word, minute)).replace(b'"data": {', b'"data": {"deep": ' + b"[" * 5000 + b"]" * 5000 + b", ")


def _unequal(word: str, minute: int) -> bytes:
    return _text(_order(word, minute, total="19.00"))


def _rate(word: str, minute: int) -> bytes:
    line = {"id": "1", "description": "Mug", "unit_amount": "20.00", "tax_rate": "17.5"}
    return _text(_order(word, minute, lines=[line]))


def _no_route(word: str, minute: int) -> bytes:
    return _text(_order(word, minute, currency="USD"))


def _no_account(word: str, minute: int) -> bytes:
    data = {
        "payment_id": word,
        "gateway": "cheque",
        "amount": "5.00",
        "currency": "GBP",
        "received_at": shapes.moment(minute).isoformat(),
        "order": {"source": "shop-1", "id": word},
    }
    return _text(shapes.event("PaymentReceived", "shop-1", word, data, minute))


_KINDS: Final[tuple[tuple[str, bool, Callable[[str, int], bytes]], ...]] = (
    ("garbage", False, _garbage),
    ("cut off", False, _cut_off),
    ("no event", False, _no_event),
    ("without id", False, _without_id),
    ("other source", False, _other_source),
    ("amount as a number", True, _float),
    ("character 0", True, _nul),
    ("too deep", False, _deep),
    ("does not add up", True, _unequal),
    ("unknown tax rate", True, _rate),
    ("no organisation", True, _no_route),
    ("no clearing account", True, _no_account),
)

"""A ledger that does not belong to this Kafka, or is older than it, is refused before anything is sent."""

from dataclasses import dataclass

import pytest

from streams import identity


@dataclass(frozen=True)
class Known:
    ledger_id: str = "one"
    highest_call: int = 10
    has_taken_in: bool = True


def test_the_same_ledger_goes_on() -> None:
    identity.check(Known(), identity.record_of(Known()))
    identity.check(Known(highest_call=12), identity.record_of(Known()))


def test_a_new_ledger_on_a_new_kafka_goes_on() -> None:
    identity.check(Known(highest_call=0, has_taken_in=False), None)


@pytest.mark.parametrize(
    ("ours", "told", "words"),
    [
        (Known(), None, "another cluster"),
        (Known(ledger_id="two"), identity.record_of(Known()), "Name the right ledger"),
        (Known(ledger_id="two", has_taken_in=False), identity.record_of(Known()), "belongs to the ledger one"),
        (Known(highest_call=9), identity.record_of(Known()), "knows 9 calls to Xero, the topic `ledger` 10"),
    ],
)
def test_any_other_is_refused_with_a_remedy(ours: Known, told: bytes | None, words: str) -> None:
    with pytest.raises(identity.WrongLedger, match=words):
        identity.check(ours, told)

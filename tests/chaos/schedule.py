"""Which faults strike in a round, and when, drawn from its seed. Pure; what they do is in `faults`."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streams.sender.gate import POINTS

# Which calls a fault of Xero is for: method and path; empty is any.
_CALLS: Final = (
    ("", ""), ("PUT", ""), ("PUT", "Contacts"), ("PUT", "Invoices"), ("PUT", "Payments"), ("PUT", "CreditNotes"),
    ("POST", ""), ("POST", "Invoices"), ("POST", "Payments/"), ("GET", ""),
)  # fmt: skip
# The backend of Xero ends its work within this share of the client's patience after the call came: whoever looks waits
# for twice that patience (design 7.7).
_LATE_SHARE: Final = (0.05, 1.5)


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault. `at`: seconds after the round began; `kind` is its name in the report; `more` says how."""

    at: float
    kind: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a round's faults must keep to.

    `timeout_s`: the workers' patience with Xero; `leaps`: time may leap; `many`: several workers share a database
    server.
    """

    seconds: float
    timeout_s: float
    leaps: bool
    many: bool = False


Details = Callable[[random.Random, Terms], dict[str, Any]]


def draw(chance: random.Random, terms: Terms) -> list[Strike]:
    """The strikes of a round in the order of their time."""
    left_out = (frozenset() if terms.leaps else _LEAPING) | (frozenset() if terms.many else _OF_MANY)
    kinds = [kind for kind in _KINDS if kind not in left_out]
    weights = [_KINDS[kind][0] for kind in kinds]
    number = chance.randint(3, 8)
    strikes = [
        Strike(chance.uniform(0.2, terms.seconds), kind, _KINDS[kind][1](chance, terms))
        for kind in chance.choices(kinds, weights, k=number)
    ]
    # Broker and database are away for some seconds: once in a round is enough.
    again = [one for kind in ("broker killed", "database restarted") for one in _of(strikes, kind)[1:]]
    return sorted((one for one in strikes if one not in again), key=lambda one: one.at)


def _of(strikes: list[Strike], kind: str) -> list[Strike]:
    return [one for one in strikes if one.kind == kind]


def _nothing(_chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {}


def _rest(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    """How long until the next process is started."""
    return {"rest_s": chance.choice((0.0, 0.1, 0.5))}


def _point(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"point": chance.choice(POINTS), "times": chance.choice((1, 1, 2, 3, 5))}


def _suspended(chance: random.Random, terms: Terms) -> dict[str, Any]:
    # In real time up to 20 s, so that Kafka's group and Xero's patience notice.
    return {"for_s": chance.uniform(0.2, 1.5) if terms.leaps else chance.choice((1.0, 3.0, 20.0))}


def _suspended_long(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"for_s": chance.uniform(0.2, 0.8), "leap_s": chance.choice((40.0, 70.0, 400.0, 4000.0))}


def _leap(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"leap_s": chance.choice((10.0, 65.0, 400.0, 7200.0))}


def _step(sign: int) -> Details:
    def drawn(chance: random.Random, _terms: Terms) -> dict[str, Any]:
        return {"step_s": sign * chance.choice((0.5, 3.0, 20.0, 90.0))}

    return drawn


def _xero(**fixed: Any) -> Details:
    """A fault of the sandbox: for which calls, and how often."""

    def drawn(chance: random.Random, _terms: Terms) -> dict[str, Any]:
        method, path = chance.choice(_CALLS)
        return {**fixed, "method": method, "path": path, "nth": chance.choice((1, 1, 2)), "times": chance.randint(1, 3)}

    return drawn


def _late(**fixed: Any) -> Details:
    """The backend commits after it was given up by the gateway."""

    def drawn(chance: random.Random, terms: Terms) -> dict[str, Any]:
        share = chance.uniform(*_LATE_SHARE)
        return {**_xero(**fixed)(chance, terms), "commit": "late", "delay_s": share * terms.timeout_s}

    return drawn


def _slow(chance: random.Random, terms: Terms) -> dict[str, Any]:
    """An answer about when the client gives up, mostly a little later."""
    return {**_xero()(chance, terms), "delay_s": chance.uniform(0.9, 1.15) * terms.timeout_s}


def _throttled(kind: str, *seconds: int | None) -> Details:
    """A limit that others have used up. In real time nobody waits for the end of Xero's own window."""

    def drawn(chance: random.Random, terms: Terms) -> dict[str, Any]:
        waits = seconds if terms.leaps else seconds[:1]
        return {**_xero(answer=f"429-{kind}")(chance, terms), "retry_after_s": chance.choice(waits)}

    return drawn


def _restart(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"crash": chance.random() < 0.5}


def _away(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"for_s": chance.uniform(0.5, 4.0)}


def _offline(chance: random.Random, _terms: Terms) -> dict[str, Any]:
    return {"for_s": chance.uniform(0.3, 1.5), "currency": chance.choice(("GBP", "EUR"))}


_KINDS: Final[Mapping[str, tuple[int, Details]]] = {
    "worker killed": (10, _rest),
    "worker killed after a commit": (3, _rest),
    "worker killed at a point": (12, _point),
    "worker terminated": (6, _rest),
    "worker suspended": (4, _suspended),
    "worker suspended for minutes": (4, _suspended_long),
    "receiver killed": (4, _rest),
    "receiver terminated": (2, _rest),
    "receiver suspended": (2, _suspended),
    "broker killed": (2, _nothing),
    "database restarted": (3, _restart),
    "worker leaves and joins again": (5, _away),
    "time leaps": (3, _leap),
    "clock steps forward": (2, _step(1)),
    "clock steps back": (2, _step(-1)),
    "connection dropped before the commit": (4, _xero(answer="drop", commit="none")),
    "connection dropped after the commit": (6, _xero(answer="drop", commit="all")),
    "500 and nothing committed": (3, _xero(answer="500", commit="none")),
    "500 with half committed": (5, _xero(answer="500", commit="half")),
    "500 with all committed": (3, _xero(answer="500", commit="all")),
    "answer after the timeout": (4, _slow),
    "502 while the backend commits": (4, _late(answer="502")),
    "504 while the backend commits": (4, _late(answer="504")),
    "connection dropped while the backend commits": (4, _late(answer="drop")),
    "token expired": (3, _xero(answer="401")),
    "429 minute": (2, _throttled("minute", 1, 5, None)),
    "429 day": (1, _throttled("day", 5, 600)),
    "429 concurrent": (2, _throttled("concurrent", None)),
    "429 appminute": (2, _throttled("appminute", 2, None)),
    "503": (3, _xero(answer="503")),
    "organisation offline": (3, _offline),
    "organisation disconnected": (1, _offline),
}
_OF_MANY: Final = frozenset({"database restarted", "worker leaves and joins again"})
_LEAPING: Final = frozenset({"worker suspended for minutes", "time leaps", "429 day"})

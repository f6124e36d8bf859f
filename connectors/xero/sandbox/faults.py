"""Faults that a test orders: what happens to the books, and what the client gets to see, as two separate choices."""

import re
from dataclasses import dataclass
from typing import Literal

Commit = Literal["all", "half", "none", "late"]
Answer = Literal[
    "normal", "drop", "hang", "401", "403", "500", "502", "503", "504", "offline",
    "429-minute", "429-day", "429-concurrent", "429-appminute",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An order for some later call.

    `answer`: what the client gets; "drop" closes the connection without a byte, "hang" never answers, "offline" is
    Xero's 503 text for the organisation. `commit`: what the books get; "half" the first half of the elements, "late"
    everything, `delay_s` after the client got its answer. Without a value a normal answer commits all, any other none.
    `delay_s`: how long the call takes, or how long after its answer a late commit comes, in seconds. `retry_after_s`:
    the header of a 429 or 503 (None: what the limit would say).
    A fault matches calls of `method` (any when empty) whose path matches `path` (a regular expression, searched), of
    `tenant_id` (any when empty). It lets `nth` - 1 of them pass and then acts `times` times (0: until it is removed).
    401, 403, 503 and 429 come before anything is committed, so they allow no commit.
    """

    answer: Answer = "normal"
    commit: Commit | None = None
    delay_s: float = 0.0
    method: str = ""
    path: str = ""
    tenant_id: str = ""
    nth: int = 1
    times: int = 1
    retry_after_s: int | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"fault path {self.path!r} is not a regular expression: {error}") from None
        if self.nth < 1 or self.times < 0 or self.delay_s < 0:
            raise ValueError("a fault needs nth of 1 or more, times of 0 or more and delay_s of 0 or more")
        if self.is_refusal and self.commit not in (None, "none"):
            raise ValueError(f'answer "{self.answer}" comes before the books are touched: leave commit out')
        if self.answer == "normal" and self.commit not in (None, "all"):
            raise ValueError('a "normal" answer commits all: name the answer that the client gets instead')

    @property
    def is_refusal(self) -> bool:
        """Whether the answer proves that nothing happened."""
        return self.answer in ("401", "403", "503", "offline") or self.answer.startswith("429")

    @property
    def commits(self) -> Commit:
        """What the books get."""
        return self.commit or ("all" if self.answer == "normal" else "none")


@dataclass(slots=True)
class Ordered:
    """A fault in the list, with how many calls matched it and how many it acted upon."""

    number: int
    fault: Fault
    matched: int = 0
    acted: int = 0

    @property
    def spent(self) -> bool:
        return bool(self.fault.times) and self.acted >= self.fault.times


class Faults:
    """The orders, in the order in which they were given; the first that acts wins."""

    def __init__(self) -> None:
        self.orders: list[Ordered] = []
        self._number = 0

    def order(self, fault: Fault) -> Ordered:
        self._number += 1
        ordered = Ordered(self._number, fault)
        self.orders.append(ordered)
        return ordered

    def clear(self) -> None:
        self.orders.clear()

    def take(self, method: str, path: str, tenant_id: str) -> Fault | None:
        """The fault that acts upon this call, if any; counts the call for every order that it matches."""
        acting = None
        for ordered in self.orders:
            fault = ordered.fault
            if ordered.spent or (fault.method and fault.method.upper() != method):
                continue
            if (fault.tenant_id and fault.tenant_id != tenant_id) or not re.search(fault.path, path):
                continue
            ordered.matched += 1
            if acting is None and ordered.matched >= fault.nth:
                ordered.acted += 1
                acting = fault
        return acting

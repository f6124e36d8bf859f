"""What came of the day, as one value, and whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from streams.demo import by_hand
from streams.demo.desk import Letter
from streams.demo.heard import Told
from streams.demo.oracle import Findings
from streams.demo.producers import Refusal
from streams.demo.xero import FAULTS, Calls

DISPOSITIONS: Final = ("posted", "superseded", "ignored", "discarded", "dead_lettered", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`accepted`, `refused` and `findings` come from the demo's own log and the sandboxes' books, `audit` from
    `ledgerstream audit`. `accepted` counts events that senders were promised, `swept` those that the shop's API told
    once more or alone, `from_xero` Xero's webhooks and what `events.xero` holds; `by_hand` is what is told there of a
    person's work. `left` are the letters that are open at the end, `left_on_purpose` how many should be."""

    accepted: int
    swept: int
    from_xero: int
    by_hand: tuple[Told, ...]
    refused: tuple[Refusal, ...]
    findings: Findings
    calls: Calls
    faults: int
    audit: Mapping[str, Any]
    left: tuple[Letter, ...]
    left_on_purpose: int
    replayed: int

    def disposition(self, name: str) -> int:
        """How many events ended there."""
        count: int = self.audit["dispositions"].get(name, 0)
        return count

    @property
    def duplicates(self) -> int:
        count: int = self.audit["duplicates"]
        return count

    @property
    def documents_per_call(self) -> Decimal:
        if not self.calls.total:
            return Decimal(0)
        return (Decimal(self.findings.documents) / self.calls.total).quantize(Decimal("0.1"))

    def problems(self) -> list[str]:
        """Every sentence that should not be true; none if the day holds."""
        came, told = self.accepted + self.swept + self.from_xero, audited(self.audit)
        unheard = by_hand.missing(self.by_hand)
        checks = (
            (not self.findings.missing, f"missing in Xero: {_few(self.findings.missing)}"),
            (not self.findings.doubled, f"more often in Xero than in the log: {_few(self.findings.doubled)}"),
            (not self.findings.different, f"different in Xero: {_few(self.findings.different)}"),
            (self.findings.ok, "the totals of the sources and of Xero are apart"),
            (told == came, f"{came} events were accepted, swept or told by Xero, the audit tells of {told}"),
            (not unheard, f"events.xero does not tell: {', '.join(unheard)}"),
            (not self.disposition("waiting"), f"{self.disposition('waiting')} events still wait"),
            (
                len(self.left) == self.disposition("dead_lettered") == self.left_on_purpose,
                f"{len(self.left)} dead letters are open, {self.left_on_purpose} should be",
            ),
            (not self.calls.earned_429, f"Xero refused {self.calls.earned_429} calls that were too many"),
            (self.faults == len(FAULTS), f"only {self.faults} of {len(FAULTS)} faults of Xero happened"),
            ([refusal.status for refusal in self.refused] == [400], "the malformed event was not refused with 400"),
            (bool(self.audit["ok"]), f"the audit found: {_few(tuple(map(str, self.audit['problems'])))}"),
        )
        return [sentence for holds, sentence in checks if not holds]

    def summary(self) -> dict[str, Any]:
        """The one JSON line; its names are a contract."""
        lines = {line.name: line for line in self.findings.kinds}
        invoices = lines["Invoices"]
        return {
            "accepted": self.accepted,
            "swept": self.swept,
            "from_xero": self.from_xero,
            "told_by_hand": len(self.by_hand),
            **{name: self.disposition(name) for name in DISPOSITIONS},
            "duplicates": self.duplicates,
            "refused": len(self.refused),
            "replayed": self.replayed,
            "lost": len(self.findings.missing),
            "doubled": len(self.findings.doubled),
            "different": len(self.findings.different),
            "xero_calls": self.calls.total,
            "xero_reads": self.calls.reads,
            "documents": self.findings.documents,
            "documents_per_call": float(self.documents_per_call),
            "throttled": self.calls.ordered_429 + self.calls.earned_429,
            "throttled_ordered": self.calls.ordered_429,
            "throttled_earned": self.calls.earned_429,
            "source_total": f"{invoices.source:.2f}",
            "xero_total": f"{invoices.xero:.2f}",
            "source_paid": f"{lines['Payments'].source:.2f}",
            "xero_paid": f"{lines['Payments'].xero:.2f}",
            "source_refunded": f"{lines['Refunds'].source:.2f}",
            "xero_refunded": f"{lines['Refunds'].xero:.2f}",
            "sources": {
                line.name: {
                    "invoices": line.source_count,
                    "source_total": f"{line.source:.2f}",
                    "xero_total": f"{line.xero:.2f}",
                }
                for line in self.findings.sources
            },
            "problems": self.problems(),
            "ok": not self.problems(),
        }


def audited(audit: Mapping[str, Any]) -> int:
    """How many records the audit tells of, duplicates too."""
    count: int = audit["duplicates"] + sum(audit["dispositions"].get(name, 0) for name in DISPOSITIONS)
    return count


def waiting(audit: Mapping[str, Any]) -> int:
    """How many events are not finished."""
    return int(audit["dispositions"].get("waiting", 0))


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown

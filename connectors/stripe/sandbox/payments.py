"""Payments at work: charged, captured, refunded, disputed, each with the events that Stripe sends of it."""

from collections.abc import Mapping
from typing import Final

from connectors.stripe.sandbox.book import Book, Json, NotPossible

# 1.5 % and 20 minor units, as for cards of the United Kingdom; a dispute costs 20 of the currency.
_FEE: Final = (15, 1000, 20)
_DISPUTE_FEE: Final = 2000


class Payments:
    """Amounts are in minor units. Every method returns the object that it made or changed."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def charge(
        self,
        amount: int,
        *,
        currency: str = "gbp",
        metadata: Mapping[str, str] | None = None,
        capture: bool = True,
        invoice: str | None = None,
        live: bool = True,
    ) -> Json:
        """A customer pays by card; the intent. Without `capture` the money is only held."""
        if amount < 1:
            raise NotPossible(f"a charge of {amount}: the amount is in minor units and at least 1")
        intent = self._book.make(
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            last_payment_error=None,
            latest_charge=None,
            livemode=live,
            metadata=dict(metadata or {}),
            payment_details={"customer_reference": None, "order_reference": invoice},
            status="requires_capture",
        )
        charge = self._book.make(
            "ch",
            "charge",
            amount=amount,
            amount_captured=0,
            amount_refunded=0,
            balance_transaction=None,
            captured=False,
            currency=currency,
            disputed=False,
            livemode=live,
            metadata=dict(metadata or {}),
            paid=True,
            payment_intent=intent["id"],
            status="succeeded",
        )
        intent["latest_charge"] = charge["id"]
        if capture:
            self._receive(intent, charge, amount)
        self._book.happened("charge.succeeded", charge)
        self._book.happened(
            "payment_intent.succeeded" if capture else "payment_intent.amount_capturable_updated", intent
        )
        return intent

    def capture(self, intent: Json, amount: int | None = None) -> Json:
        """What is held is taken, or a part of it; the rest is let go."""
        if intent["status"] != "requires_capture":
            raise NotPossible(f"the payment is {intent['status']}: nothing is held")
        charge, taken = self._charge_of(intent), intent["amount"] if amount is None else amount
        if not 0 < taken <= intent["amount"]:
            raise NotPossible(f"{taken} cannot be captured: {intent['amount']} are held")
        self._receive(intent, charge, taken)
        charge["amount_refunded"] = charge["amount"] - taken
        self._book.happened("charge.captured", charge)
        self._book.happened("payment_intent.succeeded", intent)
        return intent

    def decline(self, amount: int, *, currency: str = "gbp", code: str = "card_declined") -> Json:
        """A card is refused."""
        error = {"code": code, "type": "card_error"}
        intent = self._book.make(
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            last_payment_error=error,
            metadata={},
            status="requires_payment_method",
        )
        self._book.happened("payment_intent.payment_failed", intent)
        return intent

    def refund(self, intent: Json, amount: int | None = None, *, reason: str = "requested_by_customer") -> Json:
        """Money goes back: what is left, or so much of it."""
        charge = self._charge_of(intent)
        left = charge["amount"] - charge["amount_refunded"]
        given = left if amount is None else amount
        if intent["status"] != "succeeded" or not 0 < given <= left:
            raise NotPossible(f"{given} cannot be given back: {left} are left of a payment that is {intent['status']}")
        refund = self._book.make(
            "re",
            "refund",
            amount=given,
            charge=charge["id"],
            currency=charge["currency"],
            livemode=charge["livemode"],
            metadata={},
            payment_intent=intent["id"],
            reason=reason,
            status="succeeded",
        )
        moved = self._book.moved("refund", refund["id"], -given, 0, charge["currency"])
        refund["balance_transaction"] = moved["id"]
        before = {"amount_refunded": charge["amount_refunded"]}
        charge["amount_refunded"] += given
        self._book.happened("refund.created", refund)
        self._book.happened("charge.refunded", charge, before)
        self._book.happened("refund.updated", refund, {"destination_details": {}})
        return refund

    def fail_refund(self, refund: Json) -> Json:
        """The customer's bank does not take it: the money comes back."""
        before = {"status": refund["status"]}
        refund["status"] = "failed"
        self._book.moved("refund_failure", refund["id"], refund["amount"], 0, refund["currency"])
        for type_ in ("refund.failed", "refund.updated", "charge.refund.updated"):
            self._book.happened(type_, refund, before)
        return refund

    def dispute(self, intent: Json, *, inquiry: bool = False) -> Json:
        """The customer's bank takes the money back, or only asks."""
        charge = self._charge_of(intent)
        dispute = self._book.make(
            "du",
            "dispute",
            amount=charge["amount_captured"],
            balance_transactions=[],
            charge=charge["id"],
            currency=charge["currency"],
            payment_intent=intent["id"],
            reason="fraudulent",
            status="warning_needs_response" if inquiry else "needs_response",
        )
        if not inquiry:
            self._shift(dispute, -dispute["amount"], _DISPUTE_FEE)
        self._book.happened("charge.dispute.created", dispute)
        if not inquiry:
            self._book.happened("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def decide(self, dispute: Json, status: str) -> Json:
        """The bank decides: `won`, `lost`, or `warning_closed` for an inquiry."""
        before = {"status": dispute["status"]}
        dispute["status"] = status
        self._book.happened("charge.dispute.closed", dispute, before)
        if status == "won":
            self._shift(dispute, dispute["amount"], -_DISPUTE_FEE)
            self._book.happened("charge.dispute.funds_reinstated", dispute)
        return dispute

    def _shift(self, dispute: Json, amount: int, fee: int) -> None:
        moved = self._book.moved("adjustment", dispute["id"], amount, fee, dispute["currency"])
        dispute["balance_transactions"].append(moved)

    def _receive(self, intent: Json, charge: Json, amount: int) -> None:
        share, of, fixed = _FEE
        moved = self._book.moved("charge", charge["id"], amount, amount * share // of + fixed, charge["currency"])
        charge |= {"captured": True, "amount_captured": amount, "balance_transaction": moved["id"]}
        intent |= {"amount_received": amount, "status": "succeeded"}

    def _charge_of(self, intent: Json) -> Json:
        return self._book.get(str(intent.get("latest_charge")), "charge")

"""What the balance holds goes to the bank."""

from typing import Final

from connectors.stripe.sandbox.book import Book, Json, NotPossible

_DAY_S: Final = 86_400


class Payouts:
    """Every method returns the payout."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def pay_out(self, *, currency: str = "gbp", automatic: bool = True, reconciled: bool = True) -> Json:
        """Everything of a currency is paid out. Stripe can itemise an automatic payout, once it is `reconciled`."""
        parts = [one for one, payout in self._book.balance if payout is None and one["currency"] == currency]
        if not parts:
            raise NotPossible(f"there is nothing in {currency} to pay out: charge something first")
        payout = self._book.make(
            "po",
            "payout",
            amount=sum(one["net"] for one in parts),
            arrival_date=self._book.now() // _DAY_S * _DAY_S,
            automatic=automatic,
            currency=currency,
            failure_code=None,
            method="standard",
            reconciliation_status="in_progress" if automatic else "not_applicable",
            status="paid",
            type="bank_account",
        )
        own = self._book.moved("payout", payout["id"], -payout["amount"], 0, currency)
        payout["balance_transaction"] = own["id"]
        ids = {one["id"] for one in (*parts, own)}
        self._book.balance = [(one, payout["id"] if one["id"] in ids else of) for one, of in self._book.balance]
        self._book.happened("payout.paid", payout, {"status": "in_transit"})
        return self.reconcile(payout) if automatic and reconciled else payout

    def reconcile(self, payout: Json) -> Json:
        """From now on Stripe can say what the payout is made of."""
        payout["reconciliation_status"] = "completed"
        self._book.happened("payout.reconciliation_completed", payout, {"reconciliation_status": "in_progress"})
        return payout

    def fail(self, payout: Json, code: str = "account_closed") -> Json:
        """The bank gives it back, days after it was paid."""
        before = {"status": payout["status"]}
        payout |= {"status": "failed", "failure_code": code}
        self._book.moved("payout_failure", payout["id"], payout["amount"], 0, payout["currency"])
        self._book.happened("payout.failed", payout, before)
        return payout

"""Billing at work: invoices are finalized, paid, voided and credited."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.stripe.sandbox.book import Book, Json, NotPossible
from connectors.stripe.sandbox.payments import Payments
from schemas.money import round_half_up

# An event shows so many lines; the rest is asked for.
LINES_SHOWN: Final = 10


class Billing:
    """Amounts are in minor units. Every method returns the object that it made or changed."""

    def __init__(self, book: Book, payments: Payments) -> None:
        self._book = book
        self._payments = payments
        # All lines of each invoice, and the payment of those that are paid.
        self.lines: dict[str, list[Json]] = {}
        self._paid_by: dict[str, Json] = {}

    def finalize(
        self, lines: Sequence[Mapping[str, Any]], *, currency: str = "gbp", inclusive: bool = False, customer: int = 1
    ) -> Json:
        """An invoice is sent. A line has `amount`, and may have `description`, `quantity`, `percent` and `discount`."""
        if not lines:
            raise NotPossible("an invoice has a line: name at least its amount")
        made = [self._line(one, currency, inclusive=inclusive) for one in lines]
        total = sum(one["amount"] - sum(part["amount"] for part in one["discount_amounts"]) for one in made)
        if not inclusive:
            total += sum(tax["amount"] for one in made for tax in one["taxes"])
        invoice = self._book.make(
            "in",
            "invoice",
            amount_due=total,
            amount_paid=0,
            currency=currency,
            customer=f"cus_{customer}",
            customer_address={"city": "London", "country": "GB", "line1": "1 Mill Lane", "postal_code": "N1 1AA"},
            customer_email=f"customer{customer}@example.com",
            customer_name=f"Customer {customer}",
            customer_tax_ids=[],
            default_tax_rates=[],
            due_date=None,
            number=f"SB-{len(self.lines) + 1:04}",
            shipping_cost=None,
            status="open",
            status_transitions={"finalized_at": self._book.now(), "paid_at": None, "voided_at": None},
            total=total,
        )
        shown = {"object": "list", "data": made[:LINES_SHOWN], "has_more": len(made) > LINES_SHOWN}
        invoice["lines"] = shown
        self.lines[invoice["id"]] = made
        self._book.happened("invoice.finalized", invoice)
        return invoice

    def pay(self, invoice: Json) -> Json:
        """The customer's card is charged."""
        self._is_open(invoice)
        self._paid_by[invoice["id"]] = self._payments.charge(
            invoice["total"], currency=invoice["currency"], invoice=invoice["id"]
        )
        self._moves_on(invoice, "paid")
        invoice["amount_paid"] = invoice["total"]
        self._book.happened("invoice.paid", invoice, {"status": "open"})
        return invoice

    def void(self, invoice: Json) -> Json:
        """The invoice is not owed any more."""
        self._is_open(invoice)
        self._moves_on(invoice, "voided")
        self._book.happened("invoice.voided", invoice, {"status": "open"})
        return invoice

    def credit(
        self, invoice: Json, amount: int, *, how: str = "refund", lines: Sequence[Mapping[str, Any]] = ()
    ) -> Json:
        """A credit note: by `refund`, `out_of_band`, or (`balance`) kept for the customer; an open one is owed less.
        The `lines` that it credits come to the amount."""
        payment = self._paid_by.get(invoice["id"])
        if payment is None and how == "refund":
            raise NotPossible("nobody has paid for the invoice: nothing can be given back")
        is_included = any(
            tax["tax_behavior"] == "inclusive" for line in self.lines[invoice["id"]] for tax in line["taxes"]
        )
        refunds = []
        if payment is not None and how == "refund":
            refund = self._payments.refund(payment, amount)
            refunds.append({"amount_refunded": amount, "refund": refund["id"], "type": "refund"})
        note = self._book.make(
            "cn",
            "credit_note",
            amount=amount,
            currency=invoice["currency"],
            customer=invoice["customer"],
            customer_balance_transaction="cbtxn_1" if payment is not None and how == "balance" else None,
            invoice=invoice["id"],
            lines={
                "object": "list",
                "data": [self._line(one, invoice["currency"], inclusive=is_included) for one in lines],
                "has_more": False,
            },
            out_of_band_amount=amount if how == "out_of_band" else None,
            post_payment_amount=amount if payment is not None else 0,
            pre_payment_amount=0 if payment is not None else amount,
            reason="order_change",
            refunds=refunds,
            status="issued",
        )
        self._book.happened("credit_note.created", note)
        return note

    def _line(self, asked: Mapping[str, Any], currency: str, *, inclusive: bool) -> Json:
        amount, discount = int(asked["amount"]), int(asked.get("discount", 0))
        made = self._book.make(
            "il",
            "line_item",
            amount=amount,
            currency=currency,
            description=str(asked.get("description", "Seats")),
            discount_amounts=[{"amount": discount, "discount": "di_1"}] if discount else [],
            quantity=int(asked.get("quantity", 1)),
            taxes=[],
        )
        if "percent" in asked:
            percent = Decimal(str(asked["percent"]))
            net = Decimal(amount - discount)
            tax = net * percent / (100 + percent if inclusive else 100)
            made["taxes"] = [
                {
                    "amount": int(round_half_up(tax, 0)),
                    "tax_behavior": "inclusive" if inclusive else "exclusive",
                    "tax_rate_details": {"tax_rate": f"txr_{percent}".replace(".", "_")},
                    "taxable_amount": int(net - round_half_up(tax, 0)) if inclusive else int(net),
                    "type": "tax_rate_details",
                }
            ]
        return made

    def _is_open(self, invoice: Json) -> None:
        if invoice["status"] != "open":
            raise NotPossible(f"the invoice is {invoice['status']}, not open")

    def _moves_on(self, invoice: Json, transition: str) -> None:
        invoice["status"] = "void" if transition == "voided" else transition
        invoice["status_transitions"][f"{transition}_at"] = self._book.now()

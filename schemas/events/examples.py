"""One example of every event type: shown in the generated schemas, and held to them by a test."""

from collections.abc import Mapping
from typing import Any, Final

_MOMENT: Final = "2026-11-24T09:30:00Z"
_ORDER: Final[dict[str, Any]] = {
    "order_id": "1001",
    "number": "1001",
    "currency": "GBP",
    "customer": {"id": "c-7", "name": "Ada Lovelace", "email": "ada@example.com"},
    "lines": [{"id": "1", "description": "Blue mug", "unit_amount": "12.00", "quantity": "2", "tax_rate": "20"}],
    "total": "24.00",
    "total_tax": "4.00",
    "taxes_included": True,
    "placed_at": _MOMENT,
}
_PAYMENT: Final = {"payment_id": "pi_1", "gateway": "stripe"}
_MONEY: Final = {"amount": "24.00", "currency": "GBP"}

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "OrderPlaced": _ORDER,
    "OrderUpdated": {**_ORDER, "purchase_order": "PO-88"},
    "OrderCancelled": {"order_id": "1001", "cancelled_at": _MOMENT, "reason": "out of stock"},
    "JobCompleted": {
        "job_id": "J-5",
        "number": "J-5",
        "currency": "GBP",
        "customer": {"name": "Ada Lovelace"},
        "lines": [{"id": "1", "description": "Boiler service", "unit_amount": "90.00", "tax_rate": "20"}],
        "total": "108.00",
        "taxes_included": False,
        "completed_at": _MOMENT,
    },
    "ContactUpdated": {
        "contact_id": "c-7",
        "contact": {"name": "Ada Lovelace", "email": "ada@example.com"},
        "updated_at": _MOMENT,
    },
    "ContactMerged": {"contact_id": "c-7", "merged_ids": ["c-8"], "merged_at": _MOMENT},
    "PaymentReceived": {
        **_PAYMENT,
        **_MONEY,
        "received_at": _MOMENT,
        "order": {"source": "shop-1", "id": "1001"},
    },
    "PaymentFailed": {**_PAYMENT, "failed_at": _MOMENT, "kind": "declined", "reason": "card_declined"},
    "RefundIssued": {
        "refund_id": "re_1",
        "gateway": "stripe",
        **_MONEY,
        "refunded_at": _MOMENT,
        "order": {"source": "shop-1", "id": "1001"},
    },
    "RefundFailed": {
        "refund_id": "re_1",
        "gateway": "stripe",
        "failed_at": _MOMENT,
        "reason": "expired_or_canceled_card",
    },
    "DisputeOpened": {"dispute_id": "dp_1", **_PAYMENT, **_MONEY, "opened_at": _MOMENT, "fee": "20.00"},
    "DisputeClosed": {"dispute_id": "dp_1", **_PAYMENT, "outcome": "won", "closed_at": _MOMENT, **_MONEY},
    "PayoutPaid": {
        "payout_id": "po_1",
        "gateway": "stripe",
        "net": "23.20",
        "fees": "0.80",
        "currency": "GBP",
        "paid_at": _MOMENT,
        "items": [{"kind": "payment", "id": "pi_1", "amount": "24.00", "fee": "0.80"}],
    },
    "PayoutFailed": {"payout_id": "po_1", "gateway": "stripe", "failed_at": _MOMENT, "reason": "account_closed"},
    "InvoiceStatusChanged": {
        "invoice_id": "inv-1",
        "number": "S1-1001",
        "tenant": "uk",
        "status": "PAID",
        "changed_at": _MOMENT,
        "changes": ["paid"],
        "by": "others",
        "previous_status": "AUTHORISED",
        "amount_due": "0",
        "effect": "shop-1:order:1001#invoice",
    },
    "XeroContactChanged": {
        "contact_id": "con-1",
        "name": "Ada Lovelace",
        "tenant": "uk",
        "status": "ARCHIVED",
        "changed_at": _MOMENT,
        "changes": ["archived"],
        "by": "others",
    },
    "CreditNoteChanged": {
        "credit_note_id": "cn-1",
        "number": "S1-CN-re_1",
        "tenant": "uk",
        "status": "AUTHORISED",
        "changed_at": _MOMENT,
        "changes": ["created"],
        "by": "us",
    },
}

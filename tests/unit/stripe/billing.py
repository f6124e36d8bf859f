"""Disputes, payouts and Billing's documents as Stripe's API reference shows them."""

from typing import Any

from tests.unit.stripe.payloads import AT


def transaction(type_: str = "charge", amount: int = 2400, fee: int = 56, **more: Any) -> dict[str, Any]:
    """What moved in Stripe's balance."""
    return {
        "id": f"txn_{type_}",
        "object": "balance_transaction",
        "amount": amount,
        "currency": "gbp",
        "fee": fee,
        "net": amount - fee,
        "reporting_category": type_,
        "type": type_,
        **more,
    }


def dispute(**more: Any) -> dict[str, Any]:
    """The bank took the payment back, with a fee of 20."""
    return {
        "id": "du_3PAY",
        "object": "dispute",
        "amount": 2400,
        "balance_transactions": [transaction("adjustment", -2400, 2000)],
        "charge": "ch_3PAY",
        "created": AT + 60,
        "currency": "gbp",
        "evidence_details": {"due_by": AT + 600_000, "has_evidence": False},
        "livemode": True,
        "payment_intent": "pi_3PAY",
        "reason": "fraudulent",
        "status": "needs_response",
        **more,
    }


def payout(**more: Any) -> dict[str, Any]:
    """An automatic payout that has arrived."""
    return {
        "id": "po_1",
        "object": "payout",
        "amount": 3300,
        "arrival_date": AT - 34_200,
        "automatic": True,
        "created": AT - 100_000,
        "currency": "gbp",
        "destination": "ba_1",
        "livemode": True,
        "method": "standard",
        "reconciliation_status": "completed",
        "status": "paid",
        "type": "bank_account",
        **more,
    }


def line(amount: int = 2000, **more: Any) -> dict[str, Any]:
    """A line with a tax of 20 % that is not in its amount, as API versions since 2025-03-31 write it."""
    tax = {
        "amount": amount // 5,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": "txr_20"},
        "taxable_amount": amount,
        "type": "tax_rate_details",
    }
    return {
        "id": "il_1",
        "object": "line_item",
        "amount": amount,
        "currency": "gbp",
        "description": "2 × Seats (at £10.00 / month)",
        "discount_amounts": [],
        "period": {"start": AT, "end": AT + 2_592_000},
        "pricing": {"type": "price_details", "unit_amount_decimal": "1000"},
        "quantity": 2,
        "taxes": [tax],
        **more,
    }


def invoice(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An invoice of a subscription that was finalized, and paid a minute later."""
    return {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 2400,
        "amount_paid": 2400,
        "billing_reason": "subscription_cycle",
        "created": AT - 3600,
        "currency": "gbp",
        "customer": "cus_1",
        "customer_address": {"city": "London", "country": "GB", "line1": "1 Mill Lane", "postal_code": "N1 1AA"},
        "customer_email": "ada@example.com",
        "customer_name": "Ada Lovelace",
        "customer_tax_ids": [{"type": "gb_vat", "value": "GB123456789"}],
        "default_tax_rates": [],
        "due_date": None,
        "lines": {"object": "list", "data": list(lines) or [line()], "has_more": False},
        "livemode": True,
        "number": "A1B2-0001",
        "shipping_cost": None,
        "status": "paid",
        "status_transitions": {"finalized_at": AT, "paid_at": AT + 60, "voided_at": None},
        "total": 2400,
        **more,
    }


def credit_note(**more: Any) -> dict[str, Any]:
    """Half of the invoice is given back by a refund."""
    return {
        "id": "cn_1",
        "object": "credit_note",
        "amount": 1200,
        "created": AT + 7200,
        "currency": "gbp",
        "customer": "cus_1",
        "customer_balance_transaction": None,
        "invoice": "in_1",
        "livemode": True,
        "out_of_band_amount": None,
        "post_payment_amount": 1200,
        "pre_payment_amount": 0,
        "reason": "order_change",
        "refunds": [{"amount_refunded": 1200, "refund": "re_3PAY", "type": "refund"}],
        "status": "issued",
        **more,
    }

"""The records of one organisation's books: frozen, replaced on change, so that an undo is the old record."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from connectors.xero.sandbox.totals import ZERO, LineAmountTypes

DocumentType = Literal["ACCREC", "ACCPAY", "ACCRECCREDIT", "ACCPAYCREDIT"]
DocumentStatus = Literal["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"]
PaymentType = Literal["ACCRECPAYMENT", "ACCPAYPAYMENT", "ARCREDITPAYMENT", "APCREDITPAYMENT"]


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation and its settings. `zone` is an IANA name, `time_zone` Xero's word for it."""

    tenant_id: str
    name: str
    base_currency: str
    country_code: str
    time_zone: str
    zone: str
    short_code: str
    created: datetime
    updated: datetime
    period_lock_date: date | None = None
    end_of_year_lock_date: date | None = None
    # An Adviser may post on and before the period lock date; nobody may before the end-of-year lock date.
    adviser: bool = False
    offline: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the chart."""

    account_id: str
    code: str
    name: str
    type: str
    account_class: str
    updated: datetime
    tax_type: str = "NONE"
    status: str = "ACTIVE"
    description: str = ""
    enable_payments: bool = False
    system_account: str = ""
    bank_account_number: str = ""
    currency: str = ""


class TaxRate(msgspec.Struct, frozen=True, kw_only=True):
    """A tax rate in percent, and the classes of account that it may be used with."""

    tax_type: str
    name: str
    rate: Decimal
    classes: tuple[str, ...]
    status: str = "ACTIVE"
    components: tuple[tuple[str, Decimal], ...] = ()


class Currency(msgspec.Struct, frozen=True, kw_only=True):
    """A currency that the organisation is subscribed to; `rate` is its units to one of the base currency."""

    code: str
    description: str
    rate: Decimal = Decimal(1)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact; `fields` holds the plain text fields under Xero's names."""

    contact_id: str
    fields: dict[str, str]
    updated: datetime
    status: str = "ACTIVE"
    phones: dict[str, dict[str, str]] = {}
    addresses: dict[str, dict[str, str]] = {}
    persons: tuple[dict[str, str | bool], ...] = ()
    is_customer: bool = False
    is_supplier: bool = False
    merged_to: str = ""

    @property
    def name(self) -> str:
        return self.fields.get("Name", "")

    @property
    def number(self) -> str:
        return self.fields.get("ContactNumber", "")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a document, with its amounts computed."""

    line_item_id: str
    quantity: Decimal
    unit_amount: Decimal
    line_amount: Decimal
    tax_amount: Decimal
    tax_type: str = ""
    description: str = ""
    account_code: str = ""
    item_code: str = ""
    discount_rate: Decimal | None = None
    discount_amount: Decimal | None = None
    discount: Decimal = ZERO
    tax_overridden: bool = False
    tracking: tuple[dict[str, str], ...] = ()


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, a bill, or a credit note of either kind."""

    document_id: str
    type: DocumentType
    status: DocumentStatus
    contact_id: str
    day: date
    currency: str
    updated: datetime
    number: str = ""
    reference: str = ""
    due: date | None = None
    rate: Decimal = Decimal(1)
    line_amount_types: LineAmountTypes = "Exclusive"
    lines: tuple[Line, ...] = ()
    sub_total: Decimal = ZERO
    total_tax: Decimal = ZERO
    total: Decimal = ZERO
    discount: Decimal = ZERO
    amount_paid: Decimal = ZERO
    payment_ids: tuple[str, ...] = ()
    fully_paid_on: date | None = None
    url: str = ""
    sent_to_contact: bool = False
    branding_theme_id: str = ""
    expected_payment: date | None = None
    by_client: str = ""

    @property
    def amount_due(self) -> Decimal:
        return ZERO if self.status in ("VOIDED", "DELETED") else self.total - self.amount_paid

    @property
    def sales(self) -> bool:
        return self.type in ("ACCREC", "ACCRECCREDIT")

    @property
    def is_credit(self) -> bool:
        return self.type in ("ACCRECCREDIT", "ACCPAYCREDIT")


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment of an invoice or bill, or the refund of a credit note; `amount` in the document's currency."""

    payment_id: str
    type: PaymentType
    document_id: str
    account_id: str
    day: date
    amount: Decimal
    rate: Decimal
    updated: datetime
    status: Literal["AUTHORISED", "DELETED"] = "AUTHORISED"
    reference: str = ""
    reconciled: bool = False
    by_client: str = ""

    @property
    def of_credit(self) -> bool:
        return self.type in ("ARCREDITPAYMENT", "APCREDITPAYMENT")

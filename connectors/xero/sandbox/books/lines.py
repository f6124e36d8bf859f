"""The lines of a document: read, checked against chart and tax rates, and computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.books.records import Account, Document, Line
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.totals import (
    ZERO,
    LineAmountTypes,
    LineInput,
    LineTotals,
    Totals,
    document_totals,
    line_totals,
    unit_rounded,
)
from connectors.xero.sandbox.wire import ZERO_ID, Json

_DESCRIPTION_MAX: Final = 4_000
_LINE_AMOUNT_MAX: Final = Decimal("9999999999.99")
_TRACKING_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Computed:
    """Lines with their totals, and what is wrong with them."""

    lines: tuple[Line, ...]
    totals: Totals
    errors: list[str]


def read(call: Call, items: Sequence[Element], before: Sequence[Line], *, sales: bool, unitdp: int) -> Computed:
    """The lines as posted: one with a known LineItemID updates that line, without one it is new, omitted ones go.

    Amounts are not computed yet; `compute` does that once the document's LineAmountTypes is known.
    """
    known = {line.line_item_id: line for line in before}
    errors: list[str] = []
    lines = tuple(_line(call, item, known, errors, unitdp=unitdp, sales=sales) for item in items)
    return Computed(lines, document_totals((), "NoTax"), errors)


def compute(call: Call, lines: Sequence[Line], types: LineAmountTypes, errors: list[str]) -> Computed:
    """The amounts of every line and the document's totals."""
    done, amounts = [], []
    for line in lines:
        tax_type = "NONE" if types == "NoTax" else line.tax_type
        rate = call.book.tax_rates.get(tax_type)
        result = line_totals(
            LineInput(
                line.quantity,
                line.unit_amount,
                rate.rate if rate else ZERO,
                line.discount_rate,
                line.discount_amount,
                line.tax_amount if line.tax_overridden else None,
            ),
            types,
        )
        if abs(result.amount) > _LINE_AMOUNT_MAX:
            errors.append(f"The line amount cannot exceed {_LINE_AMOUNT_MAX}.")
        amounts.append(result)
        done.append(_with(line, tax_type, result))
    return Computed(tuple(done), document_totals(amounts, types), errors)


def with_ids(call: Call, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Every line with an id of its own."""
    return tuple(
        line if line.line_item_id else msgspec.structs.replace(line, line_item_id=call.new_id()) for line in lines
    )


def account_errors(book: Book, document: Document) -> list[str]:
    """What keeps the lines from being posted: accounts that are missing, archived or of the wrong kind, tax rates."""
    errors = []
    for line in document.lines:
        account = book.accounts.find("code", line.account_code) if line.account_code else None
        if not line.account_code:
            if document.status not in ("DRAFT", "DELETED"):
                errors.append("Account code or ID must be specified")
        elif account is None or account.type == "BANK" or account.system_account in ("DEBTORS", "CREDITORS"):
            errors.append(f"Account code '{line.account_code}' is not a valid code for this document.")
        elif account.status != "ACTIVE":
            errors.append(
                f"Account code '{line.account_code}' has been archived, or has been deleted. "
                "Each line item must reference a valid account."
            )
        errors += _tax_errors(book, line, account)
    return list(dict.fromkeys(errors))


def render(line: Line, unitdp: int) -> Json:
    """One line in wire form; unit amounts show 2 places unless the call says unitdp=4."""
    answer: Json = {
        "Description": line.description,
        "UnitAmount": unit_rounded(line.unit_amount, unitdp),
        "TaxType": line.tax_type,
        "TaxAmount": line.tax_amount,
        "LineAmount": line.line_amount,
        "Tracking": list(line.tracking),
        "Quantity": line.quantity,
        "LineItemID": line.line_item_id or ZERO_ID,
    }
    if line.account_code:
        answer["AccountCode"] = line.account_code
    if line.item_code:
        answer["ItemCode"] = line.item_code
    if line.discount_rate is not None:
        answer["DiscountRate"] = line.discount_rate
    if line.discount_amount is not None:
        answer["DiscountAmount"] = line.discount_amount
    return answer


def _with(line: Line, tax_type: str, result: LineTotals) -> Line:
    if line.line_amount == result.amount and line.tax_amount == result.tax and line.tax_type == tax_type:
        return line
    return msgspec.structs.replace(
        line, tax_type=tax_type, line_amount=result.amount, tax_amount=result.tax, discount=result.discount
    )


def _line(call: Call, item: Element, known: dict[str, Line], errors: list[str], *, unitdp: int, sales: bool) -> Line:
    line_id = (item.text("LineItemID") or "").lower()
    before = known.get(line_id)
    if line_id and line_id != ZERO_ID and before is None:
        errors.append(f"The LineItemID {line_id} could not be found on this document.")
    code = _account_code(call.book, item, errors)
    account = call.book.accounts.find("code", code) if code else None
    tax_type = item.text("TaxType") or (account.tax_type if account else "") or "NONE"
    quantity = item.number("Quantity")
    unit_amount, amount = item.number("UnitAmount"), item.number("LineAmount")
    quantity = Decimal(1) if quantity is None and (unit_amount is not None or amount is not None) else quantity or ZERO
    if unit_amount is None and amount is not None:
        unit_amount = amount / quantity if quantity else ZERO
    unit_amount = unit_rounded(unit_amount or ZERO, unitdp)
    rate, off = item.number("DiscountRate"), item.number("DiscountAmount")
    if (rate or off) and not sales:
        errors.append("Discounts can only be applied to sales documents.")
    description = item.text("Description") or ""
    if len(description) > _DESCRIPTION_MAX:
        errors.append(f"The length of Description cannot exceed {_DESCRIPTION_MAX} characters.")
    tracking = item.children("Tracking") or []
    if len(tracking) > _TRACKING_MAX:
        errors.append(f"A line item can have a maximum of {_TRACKING_MAX} tracking categories.")
    tax_amount = item.number("TaxAmount")
    line = Line(
        line_item_id=before.line_item_id if before else "",
        quantity=unit_rounded(quantity, 4).normalize() if quantity else ZERO,
        unit_amount=unit_amount,
        line_amount=ZERO,
        tax_amount=tax_amount or ZERO,
        tax_overridden=tax_amount is not None,
        tax_type=tax_type,
        description=description,
        account_code=code,
        item_code=item.text("ItemCode") or "",
        discount_rate=rate,
        discount_amount=None if rate else off,
        tracking=tuple({"Name": t.text("Name") or "", "Option": t.text("Option") or ""} for t in tracking),
    )
    _check_amount(line, amount, errors)
    return line


def _check_amount(line: Line, sent: Decimal | None, errors: list[str]) -> None:
    if sent is None:
        return
    expected = line_totals(
        LineInput(line.quantity, line.unit_amount, ZERO, line.discount_rate, line.discount_amount), "NoTax"
    ).amount
    if unit_rounded(sent, 2) != expected:
        errors.append(f"The line total {sent:.2f} does not match the expected line total {expected:.2f}")


def _account_code(book: Book, item: Element, errors: list[str]) -> str:
    account_id = item.text("AccountID")
    if account_id and not item.has("AccountCode"):
        account = book.accounts.get(account_id)
        if account is None:
            errors.append("Account could not be found.")
        return account.code if account else ""
    return item.text("AccountCode") or ""


def _tax_errors(book: Book, line: Line, account: Account | None) -> list[str]:
    rate = book.tax_rates.get(line.tax_type)
    if rate is None or rate.status != "ACTIVE":
        return [f"The TaxType code '{line.tax_type}' does not exist or cannot be used for this type of transaction."]
    if account is not None and rate.classes and account.account_class not in rate.classes:
        return [f"The TaxType code '{line.tax_type}' cannot be used with account code '{line.account_code}'."]
    return []

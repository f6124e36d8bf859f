"""Lines of a sale or refund become lines of a document: account, tax type, and what they must add up to."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from connectors.xero.totals import LineAmountTypes, Totals, predict
from schemas.commands import DocumentLine
from schemas.events.fields import Line
from schemas.money import parse_amount, parse_decimal, to_text
from streams.core.refusal import Unbookable
from streams.core.rules.context import one_line
from streams.core.tenant_file import Rate
from streams.core.tenants import Tenant

_PENNY: Final = Decimal("0.01")


def document_lines(tenant: Tenant, lines: Sequence[Line], currency: str, correction: str) -> tuple[DocumentLine, ...]:
    """The lines with this tenant's accounts and tax types. `correction` is how the source can mend its event."""
    return tuple(_line(tenant, line, currency, f"lines[{at}]", correction) for at, line in enumerate(lines))


def balanced(
    tenant: Tenant,
    lines: tuple[DocumentLine, ...],
    types: LineAmountTypes,
    total: str,
    total_tax: str | None,
    correction: str,
) -> tuple[tuple[DocumentLine, ...], Decimal]:
    """The lines that add up to the source's `total` in Xero, and the tax that Xero will make of them.

    A difference within the tenant's bound becomes an explicit line; a larger one is refused with both figures (G6).
    """
    predicted = predict(lines, types, tenant.percents)
    wanted = parse_decimal(total)
    if wanted < 0:
        raise Unbookable(
            "total",
            total,
            "An invoice cannot be below zero in Xero: this gives money back.",
            f"Tell what goes back as RefundIssued. {correction}",
        )
    difference = wanted - predicted.total
    rounding = tenant.file.rounding
    bound = rounding.max if rounding else Decimal(0)
    if abs(difference) > bound:
        raise Unbookable(
            "total",
            total,
            f"The lines come to {to_text(predicted.total)} in Xero (tax {to_text(predicted.total_tax)}), "
            f"the source says {total}: {to_text(abs(difference))} apart.",
            correction,
        )
    _line_taxes(lines, predicted, bound, correction)
    if total_tax is not None and abs(parse_decimal(total_tax) - predicted.total_tax) > bound:
        raise Unbookable(
            "total_tax",
            total_tax,
            f"The lines' tax comes to {to_text(predicted.total_tax)} in Xero, the source says {total_tax}.",
            correction,
        )
    if difference and rounding:
        lines = (*lines, _rounding_line(tenant, rounding.account, difference))
    return lines, predicted.total_tax


def _line_taxes(lines: Sequence[DocumentLine], predicted: Totals, bound: Decimal, correction: str) -> None:
    """A line whose tax the source puts more than a penny and the bound away has another rate than it says."""
    for at, (line, made) in enumerate(zip(lines, predicted.lines, strict=True)):
        if line.tax_amount is not None and abs(line.tax_amount - made.tax) > bound + _PENNY:
            raise Unbookable(
                f"lines[{at}].tax_amount",
                to_text(line.tax_amount),
                f"The line's tax comes to {to_text(made.tax)} in Xero, the source says {to_text(line.tax_amount)}.",
                correction,
            )


def _rounding_line(tenant: Tenant, account: str, difference: Decimal) -> DocumentLine:
    return DocumentLine(
        description="Rounding",
        quantity=Decimal(1),
        unit_amount=difference,
        account_code=account,
        tax_type=tenant.file.taxes.untaxed.type,
    )


def _line(tenant: Tenant, line: Line, currency: str, path: str, correction: str) -> DocumentLine:
    return DocumentLine(
        description=one_line(line.description),
        quantity=parse_decimal(line.quantity),
        unit_amount=parse_amount(line.unit_amount, currency),
        account_code=_account(tenant, line, path),
        tax_type=_tax(tenant, line, path, correction).type,
        discount_amount=parse_amount(line.discount_amount, currency) if line.discount_amount else None,
        tax_amount=parse_amount(line.tax_amount, currency) if line.tax_amount else None,
    )


def _account(tenant: Tenant, line: Line, path: str) -> str:
    account = tenant.file.sku_accounts.get(line.sku or "") or tenant.file.accounts.get(line.kind)
    if account is None:
        raise Unbookable(
            f"{path}.kind",
            line.kind,
            f"The tenant file {tenant.name}.yaml names no account for lines of kind {line.kind}.",
            f"Add {line.kind} under accounts in {tenant.name}.yaml, then replay.",
        )
    return account


def _tax(tenant: Tenant, line: Line, path: str, correction: str) -> Rate:
    taxes = tenant.file.taxes
    if line.tax_code is not None and line.tax_code in taxes.codes:
        return taxes.codes[line.tax_code]
    if line.tax_rate is None:
        return _untaxed(tenant, line, path, correction)
    rate = tenant.by_percent.get(parse_decimal(line.tax_rate))
    if rate is None:
        raise Unbookable(
            f"{path}.tax_rate",
            line.tax_rate,
            f"The tenant file {tenant.name}.yaml names no tax type for a rate of {line.tax_rate} %.",
            f"Add the rate under taxes.rates in {tenant.name}.yaml with its tax type in Xero, then replay. If the rate "
            f"itself is wrong: {correction}",
        )
    return rate


def _untaxed(tenant: Tenant, line: Line, path: str, correction: str) -> Rate:
    if line.tax_code is not None:
        raise Unbookable(
            f"{path}.tax_code",
            line.tax_code,
            f"The tenant file {tenant.name}.yaml does not know the tax code, and the line has no tax_rate.",
            f"Add the code under taxes.codes in {tenant.name}.yaml, then replay.",
        )
    if line.tax_amount is not None and parse_decimal(line.tax_amount):
        raise Unbookable(
            f"{path}.tax_rate",
            None,
            f"The line has a tax of {line.tax_amount} but no rate, so its tax type is not clear.",
            correction,
        )
    return tenant.file.taxes.untaxed

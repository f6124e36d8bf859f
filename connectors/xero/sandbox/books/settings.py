"""Organisation, chart of accounts, tax rates and currencies."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from connectors.xero.sandbox.books.call import Call, Listing, Outcome
from connectors.xero.sandbox.books.records import Account, Currency, Organisation, TaxRate
from connectors.xero.sandbox.filters import Getter
from connectors.xero.sandbox.listing import Listed, select
from connectors.xero.sandbox.problems import NotFound
from connectors.xero.sandbox.reading import Element
from connectors.xero.sandbox.wire import ZERO_ID, Json, date_text, moment_text

CLASS_OF_TYPE: Final = {
    "BANK": "ASSET", "CURRENT": "ASSET", "FIXED": "ASSET", "INVENTORY": "ASSET", "NONCURRENT": "ASSET",
    "PREPAYMENT": "ASSET", "EQUITY": "EQUITY", "DEPRECIATN": "EXPENSE", "DIRECTCOSTS": "EXPENSE", "EXPENSE": "EXPENSE",
    "OVERHEADS": "EXPENSE", "CURRLIAB": "LIABILITY", "LIABILITY": "LIABILITY", "TERMLIAB": "LIABILITY",
    "OTHERINCOME": "REVENUE", "REVENUE": "REVENUE", "SALES": "REVENUE",
}  # fmt: skip
ACTIONS: Final = (
    "UseMulticurrency", "CreateDraftInvoice", "CreateApprovedInvoice", "CreateInvoicePayment", "CreateContact",
    "CreateCreditNote", "AttachmentsApproved",
)  # fmt: skip
_VERSIONS: Final = {"GB": "UK", "AU": "AU", "NZ": "NZ", "US": "US"}
_ALWAYS: Final = datetime(2020, 1, 1, tzinfo=UTC)


def _applies(kind: str) -> Getter[TaxRate]:
    return lambda row: kind in row.classes


_ACCOUNTS: Final = Listed[Account](
    fields={
        "accountid": lambda row: row.account_id,
        "code": lambda row: row.code,
        "name": lambda row: row.name,
        "type": lambda row: row.type,
        "class": lambda row: row.account_class,
        "status": lambda row: row.status,
        "taxtype": lambda row: row.tax_type,
        "systemaccount": lambda row: row.system_account or None,
        "enablepaymentstoaccount": lambda row: row.enable_payments,
        "bankaccountnumber": lambda row: row.bank_account_number,
        "currencycode": lambda row: row.currency,
        "updateddateutc": lambda row: row.updated,
    },
    id_of=lambda row: row.account_id,
    updated=lambda row: row.updated,
    paged=False,
)
_TAX_RATES: Final = Listed[TaxRate](
    fields={
        "name": lambda row: row.name,
        "taxtype": lambda row: row.tax_type,
        "status": lambda row: row.status,
        "effectiverate": lambda row: row.rate,
        "displaytaxrate": lambda row: row.rate,
        **{f"canapplyto{plural}": _applies(kind) for plural, kind in (
            ("assets", "ASSET"), ("equity", "EQUITY"), ("expenses", "EXPENSE"), ("liabilities", "LIABILITY"),
            ("revenue", "REVENUE"),
        )},
    },
    id_of=lambda row: row.tax_type,
    updated=lambda _row: _ALWAYS,
    paged=False,
)  # fmt: skip
_CURRENCIES: Final = Listed[Currency](
    fields={"code": lambda row: row.code, "description": lambda row: row.description},
    id_of=lambda row: row.code,
    updated=lambda _row: _ALWAYS,
    paged=False,
)


def organisation(call: Call) -> Listing:
    """GET /Organisation."""
    return Listing([_organisation(call.book.organisation)])


def actions(call: Call) -> Listing:
    """GET /Organisation/Actions: what the plan of the organisation allows."""
    multi = len(call.book.currencies.rows) > 1
    return Listing(
        [
            {"Name": name, "Status": "ALLOWED" if multi or name != "UseMulticurrency" else "NOT-ALLOWED"}
            for name in ACTIONS
        ]
    )


def accounts(call: Call) -> Listing:
    """GET /Accounts."""
    rows = [row for row in call.book.accounts.rows.values() if row.status != "DELETED"]
    return Listing([_account(row) for row in select(call, rows, _ACCOUNTS).rows])


def account(call: Call, key: str) -> Json:
    """GET /Accounts/{AccountID}. Raises NotFound."""
    found = call.book.accounts.get(key)
    if found is None:
        raise NotFound(key)
    return _account(found)


def account_write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT /Accounts makes one; POST /Accounts/{AccountID} changes one, also by Status ARCHIVED."""
    account_id = path_id or ("" if create else element.text("AccountID") or "")
    existing = call.book.accounts.get(account_id) if account_id else None
    if account_id and existing is None:
        raise NotFound(account_id)
    kind = element.word("Type", tuple(CLASS_OF_TYPE), "AccountType") or (existing.type if existing else "")
    base = existing or Account(
        account_id=ZERO_ID, code="", name="", type=kind, account_class=CLASS_OF_TYPE.get(kind, ""), updated=call.now
    )
    changed = msgspec.structs.replace(
        base,
        code=element.text("Code") or base.code,
        name=element.text("Name") or base.name,
        type=kind,
        account_class=CLASS_OF_TYPE.get(kind, ""),
        tax_type=element.text("TaxType") or base.tax_type,
        status=element.word("Status", ("ACTIVE", "ARCHIVED", "DELETED"), "AccountStatus") or base.status,
        description=element.text("Description") or base.description,
        enable_payments=_either(element.flag("EnablePaymentsToAccount"), base.enable_payments),
        bank_account_number=element.text("BankAccountNumber") or base.bank_account_number,
        updated=call.now,
    )
    errors = _account_errors(call, changed, existing)
    if errors:
        return Outcome(_account(changed), tuple(errors))
    if existing is None:
        changed = msgspec.structs.replace(changed, account_id=call.new_id())
    call.book.put(call.book.accounts, changed)
    return Outcome(_account(changed))


def account_delete(call: Call, key: str) -> Outcome:
    """DELETE /Accounts/{AccountID}. System accounts and ones with lines stay."""
    found = call.book.accounts.get(key)
    if found is None:
        raise NotFound(key)
    if found.system_account or _is_used(call, found):
        return Outcome(_account(found), ("This account cannot be deleted: archive it instead",))
    deleted = msgspec.structs.replace(found, status="DELETED", updated=call.now)
    call.book.put(call.book.accounts, deleted)
    return Outcome(_account(deleted))


def tax_rates(call: Call) -> Listing:
    """GET /TaxRates."""
    return Listing([_tax_rate(row) for row in select(call, call.book.tax_rates.rows.values(), _TAX_RATES).rows])


def tax_rate(call: Call, key: str) -> Json:
    """GET /TaxRates/{TaxType}. Raises NotFound."""
    found = call.book.tax_rates.get(key.upper())
    if found is None:
        raise NotFound(key)
    return _tax_rate(found)


def tax_rate_write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT or POST /TaxRates: one of the organisation's own (its TaxType is TAX001 and so on)."""
    name = element.text("Name") or ""
    tax_type = path_id or element.text("TaxType") or ""
    same_name = next((row for row in call.book.tax_rates.rows.values() if row.name.lower() == name.lower()), None)
    existing = None if create else call.book.tax_rates.get(tax_type) or same_name
    components = tuple(
        (item.text("Name") or "", item.number("Rate") or Decimal(0)) for item in element.children("TaxComponents") or ()
    ) or (existing.components if existing else ())
    rate = TaxRate(
        tax_type=existing.tax_type if existing else f"TAX{call.book.counters.get('TAX', 0) + 1:03d}",
        name=name or (existing.name if existing else ""),
        rate=sum((part for _name, part in components), Decimal(0)),
        classes=existing.classes if existing else ("ASSET", "EQUITY", "EXPENSE", "LIABILITY", "REVENUE"),
        status=element.word("Status", ("ACTIVE", "ARCHIVED", "DELETED"), "TaxRateStatus") or "ACTIVE",
        components=components,
    )
    errors = []
    if not rate.name or not components:
        errors.append("A tax rate must have a Name and at least one of TaxComponents")
    if same_name is not None and same_name is not existing:
        errors.append(f"A tax rate with the name '{name}' already exists")
    if errors:
        return Outcome(_tax_rate(rate), tuple(errors))
    if existing is None:
        call.book.counters["TAX"] = call.book.counters.get("TAX", 0) + 1
    call.book.put(call.book.tax_rates, rate)
    return Outcome(_tax_rate(rate))


def currencies(call: Call) -> Listing:
    """GET /Currencies."""
    rows = select(call, call.book.currencies.rows.values(), _CURRENCIES).rows
    return Listing([{"Code": row.code, "Description": row.description} for row in rows])


def currency_write(call: Call, element: Element, *, create: bool, path_id: str = "") -> Outcome:
    """PUT /Currencies subscribes the organisation to one more."""
    code = (element.text("Code") or "").upper()
    row = Currency(code=code, description=element.text("Description") or code)
    answer = {"Code": row.code, "Description": row.description}
    if len(code) != 3 or not code.isalpha():
        return Outcome(answer, (f"Currency code '{code}' is not valid",))
    if call.book.currencies.get(code) is not None:
        return Outcome(answer, (f"Organisation is already subscribed to currency {code}",))
    call.book.put(call.book.currencies, row)
    return Outcome(answer)


def _account_errors(call: Call, changed: Account, existing: Account | None) -> list[str]:
    errors = []
    if not changed.code or not changed.name or not changed.type:
        errors.append("An account must have a Code, a Name and a Type")
    holder = call.book.accounts.find("code", changed.code) if changed.code else None
    if holder is not None and (existing is None or holder.account_id != existing.account_id):
        errors.append("Please enter a unique Code.")
    names: Iterable[Account] = call.book.accounts.rows.values()
    if any(row.name.lower() == changed.name.lower() and row.account_id != changed.account_id for row in names):
        errors.append("Please enter a unique Name.")
    if call.book.tax_rates.get(changed.tax_type) is None:
        errors.append(f"The TaxType code '{changed.tax_type}' does not exist")
    if existing is not None and existing.system_account and changed.status != "ACTIVE":
        errors.append("System accounts cannot be archived")
    return errors


def _is_used(call: Call, account: Account) -> bool:
    documents = (*call.book.invoices.rows.values(), *call.book.credit_notes.rows.values())
    if any(payment.account_id == account.account_id for payment in call.book.payments.rows.values()):
        return True
    return any(line.account_code == account.code for document in documents for line in document.lines)


def _either(sent: bool | None, before: bool) -> bool:
    return before if sent is None else sent


def _organisation(row: Organisation) -> Json:
    # The tenant id and the OrganisationID are the same value; clients in the field rely on it.
    answer: Json = {
        "Name": row.name,
        "LegalName": row.name,
        "PaysTax": True,
        "Version": _VERSIONS.get(row.country_code, "GLOBAL"),
        "OrganisationType": "COMPANY",
        "BaseCurrency": row.base_currency,
        "CountryCode": row.country_code,
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 3,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "QUARTERLY",
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive",
        "CreatedDateUTC": moment_text(row.created),
        "OrganisationEntityType": "COMPANY",
        "Timezone": row.time_zone,
        "ShortCode": row.short_code,
        "OrganisationID": row.tenant_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }
    if row.period_lock_date is not None:
        answer["PeriodLockDate"] = date_text(row.period_lock_date)
    if row.end_of_year_lock_date is not None:
        answer["EndOfYearLockDate"] = date_text(row.end_of_year_lock_date)
    return answer


def _account(row: Account) -> Json:
    answer: Json = {
        "AccountID": row.account_id,
        "Code": row.code,
        "Name": row.name,
        "Status": row.status,
        "Type": row.type,
        "TaxType": row.tax_type,
        "Description": row.description,
        "Class": row.account_class,
        "EnablePaymentsToAccount": row.enable_payments,
        "ShowInExpenseClaims": False,
        "HasAttachments": False,
        "UpdatedDateUTC": moment_text(row.updated),
        "AddToWatchlist": False,
    }
    if row.system_account:
        answer["SystemAccount"] = row.system_account
    if row.type == "BANK":
        answer["BankAccountType"] = "BANK"
        answer["BankAccountNumber"] = row.bank_account_number
        answer["CurrencyCode"] = row.currency
    return answer


def _report_tax_type(row: TaxRate) -> str:
    if row.tax_type == "NONE":
        return "NONE"
    return "OUTPUT" if "REVENUE" in row.classes else "INPUT"


def _tax_rate(row: TaxRate) -> Json:
    components = row.components or ((row.name, row.rate),)
    return {
        "Name": row.name,
        "TaxType": row.tax_type,
        "ReportTaxType": _report_tax_type(row),
        "CanApplyToAssets": "ASSET" in row.classes,
        "CanApplyToEquity": "EQUITY" in row.classes,
        "CanApplyToExpenses": "EXPENSE" in row.classes,
        "CanApplyToLiabilities": "LIABILITY" in row.classes,
        "CanApplyToRevenue": "REVENUE" in row.classes,
        "DisplayTaxRate": row.rate,
        "EffectiveRate": row.rate,
        "Status": row.status,
        "TaxComponents": [
            {"Name": name, "Rate": rate, "IsCompound": False, "IsNonRecoverable": False} for name, rate in components
        ],
    }

"""The SDK reads and changes organisation, chart, tax rates and currencies."""

from datetime import date
from decimal import Decimal

import pytest
from xero_python.accounting import models as m
from xero_python.exceptions import HTTPStatusException, NotFoundException

from tests.contract.xero_sandbox.sdk import Sdk, Served, refusal


def test_the_organisation_is_the_british_one(sdk: Sdk) -> None:
    organisation = sdk.api.get_organisations(sdk.tenant).organisations[0]
    assert organisation.organisation_id == sdk.tenant
    assert organisation.base_currency.value == "GBP"
    assert organisation.country_code.value == "GB"
    assert organisation.timezone.value == "GMTSTANDARDTIME"
    assert organisation.short_code


def test_lock_dates_are_read_as_dates(sdk: Sdk, served: Served) -> None:
    served.sandbox.set_organisation(sdk.tenant, period_lock_date=date(2026, 3, 31))
    assert sdk.api.get_organisations(sdk.tenant).organisations[0].period_lock_date == date(2026, 3, 31)


def test_actions_say_what_the_plan_allows(sdk: Sdk) -> None:
    allowed = {action.name: action.status for action in sdk.api.get_organisation_actions(sdk.tenant).actions}
    assert allowed["UseMulticurrency"] == "ALLOWED"
    assert allowed["CreateApprovedInvoice"] == "ALLOWED"


def test_the_chart_has_what_a_shop_needs(sdk: Sdk) -> None:
    accounts = {account.code: account for account in sdk.api.get_accounts(sdk.tenant).accounts}
    assert accounts["200"].tax_type == "OUTPUT2"
    assert accounts["091"].type.value == "BANK"
    assert accounts["091"].currency_code.value == "GBP"
    assert accounts["610"].system_account == "DEBTORS"
    assert accounts["860"].system_account == "ROUNDING"
    assert accounts["835"].enable_payments_to_account is True


def test_accounts_are_filtered_and_ordered(sdk: Sdk) -> None:
    banks = sdk.api.get_accounts(sdk.tenant, where='Type=="BANK"', order="Code DESC").accounts
    assert [account.code for account in banks] == ["092", "091", "090"]


def test_an_account_is_created_read_changed_archived_and_deleted(sdk: Sdk) -> None:
    new = m.Account(code="405", name="Payment Fees", type=m.AccountType.OVERHEADS, tax_type="NONE")
    account = sdk.api.create_account(sdk.tenant, new).accounts[0]
    assert sdk.api.get_account(sdk.tenant, account.account_id).accounts[0].name == "Payment Fees"
    renamed = m.Accounts(accounts=[m.Account(name="Gateway Fees")])
    assert sdk.api.update_account(sdk.tenant, account.account_id, renamed).accounts[0].name == "Gateway Fees"
    archived = m.Accounts(accounts=[m.Account(status="ARCHIVED")])
    assert sdk.api.update_account(sdk.tenant, account.account_id, archived).accounts[0].status == "ARCHIVED"
    assert sdk.api.delete_account(sdk.tenant, account.account_id).accounts[0].status == "DELETED"


def test_a_code_that_is_taken_is_refused(sdk: Sdk) -> None:
    new = m.Account(code="200", name="More Sales", type=m.AccountType.REVENUE)
    assert "unique Code" in refusal(lambda: sdk.api.create_account(sdk.tenant, new))


def test_an_unknown_account_is_not_found(sdk: Sdk) -> None:
    with pytest.raises(NotFoundException):
        sdk.api.get_account(sdk.tenant, "11111111-1111-1111-1111-111111111111")


def test_tax_rates_say_where_they_apply(sdk: Sdk) -> None:
    rates = {rate.tax_type: rate for rate in sdk.api.get_tax_rates(sdk.tenant).tax_rates}
    assert rates["OUTPUT2"].effective_rate == Decimal("20.0")
    assert rates["OUTPUT2"].can_apply_to_revenue is True
    assert rates["INPUT2"].can_apply_to_revenue is False
    assert {"RROUTPUT", "ZERORATEDOUTPUT", "EXEMPTOUTPUT", "NONE", "ECZROUTPUT", "DRCHARGESUPPLY20"} <= set(rates)
    assert sdk.api.get_tax_rate_by_tax_type(sdk.tenant, "RROUTPUT").tax_rates[0].effective_rate == Decimal("5.0")


def test_a_tax_rate_is_created_and_changed(sdk: Sdk) -> None:
    rate = m.TaxRate(name="Reduced 10%", tax_components=[m.TaxComponent(name="VAT", rate=10)])
    created = sdk.api.create_tax_rates(sdk.tenant, m.TaxRates(tax_rates=[rate])).tax_rates[0]
    assert (created.tax_type, created.effective_rate) == ("TAX001", Decimal("10.0"))
    changed = m.TaxRate(name="Reduced 10%", tax_type="TAX001", tax_components=[m.TaxComponent(name="VAT", rate=11)])
    updated = sdk.api.update_tax_rate(sdk.tenant, m.TaxRates(tax_rates=[changed])).tax_rates[0]
    assert (updated.tax_type, updated.effective_rate) == ("TAX001", Decimal("11.0"))


def test_a_currency_is_subscribed_to_once(sdk: Sdk) -> None:
    codes = {currency.code.value for currency in sdk.api.get_currencies(sdk.tenant).currencies}
    assert codes == {"GBP", "EUR", "USD"}
    sdk.api.create_currency(sdk.tenant, m.Currency(code=m.CurrencyCode.CHF, description="Swiss Franc"))
    assert "CHF" in {currency.code.value for currency in sdk.api.get_currencies(sdk.tenant).currencies}
    again = m.Currency(code=m.CurrencyCode.CHF)
    assert "already subscribed" in refusal(lambda: sdk.api.create_currency(sdk.tenant, again))


def test_a_resource_that_is_not_there_answers_as_xero_does(sdk: Sdk) -> None:
    with pytest.raises(NotFoundException) as caught:
        sdk.api.get_budgets(sdk.tenant)
    assert caught.value.headers["Content-Type"].startswith("text/html")


def test_a_method_that_is_not_there_answers_501(sdk: Sdk) -> None:
    with pytest.raises(HTTPStatusException) as caught:
        sdk.api.delete_account(sdk.tenant, "")
    assert caught.value.status == 501

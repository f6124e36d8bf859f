"""One thing wrong in one file: the whole message, with its line and remedy."""

from pathlib import Path

import pytest

from tests.unit.tenant_file.folder import FILES, changed, problems

LIST = "expected a list: [a, b], or lines that begin with -"
NAMES = "expected names and values beneath it"
CODE = 'expected an account code of Xero such as "200"'
CURRENCY = "expected an ISO 4217 code such as GBP"
TAX_TYPE = "expected a tax type of Xero such as OUTPUT2"
NUMBER = 'expected a number such as "17.5"'
PREFIX = "expected letters, digits and - _ / . such as S1-"
ORGANISATION = "expected the organisation's id in Xero (a tenantId of /connections)"
VARIABLE = "names no environment variable. Write ${NAME} with capitals, digits and underscores."
KINDS = "expected 'goods', 'service', 'shipping', 'discount', 'tip', 'gift_card', 'deposit' or 'other'"
YAML = "Correct the indentation or quoting there."

WHOLE = FILES["uk.yaml"]
RATE = '{type: OUTPUT2, percent: "20"}'
EXEMPT = '{type: EXEMPTOUTPUT, percent: "0"}'
LAST = "  shop-1: {channel_name: Shop 1 customers}\n"
BOTH = "  - source: shop-1\n    currencies: [GBP]\n  - source: stripe-1\n    currencies: [GBP]\n"

# What is written in place of what, and what is said of it (after "uk.yaml:").
FIELDS = [
    (WHOLE, "", f"1: the file: got nothing: {NAMES}. Correct it."),
    (WHOLE, "- a\n", f"1: the file: got ['a']: {NAMES}. Correct it."),
    ("version: 1", "version: 2", "1: version: got '2': expected '1'. Correct it."),
    ("version: 1\n", "", "2: version is missing. Add it."),
    (
        "# One organisation.",
        "valid_from: 2026-01-01",
        "2: valid_from: versions of a tenant file by date come with a later release; this one holds for every date. "
        "Remove it.",
    ),
    (
        "${TENANT_UK}",
        "${TENANT_FR}",
        "3: xero_tenant_id: the environment variable TENANT_FR is not set. Set it, or write the value here.",
    ),
    ("${TENANT_UK}", "${tenant_uk}", f"3: xero_tenant_id: ${{tenant_uk}} {VARIABLE}"),
    ("${TENANT_UK}", "${TENANT_UK", f"3: xero_tenant_id: ${{TENANT_UK {VARIABLE}"),
    ("${TENANT_UK}", "$TENANT_UK", f"3: xero_tenant_id: got '$TENANT_UK': {ORGANISATION}. Correct it."),
    ("${TENANT_UK}", "${EMPTY}", f"3: xero_tenant_id: got '': {ORGANISATION}. Correct it."),
    ("${TENANT_UK}", "", "3: xero_tenant_id: got nothing: expected text. Correct it."),
    (
        "Europe/London",
        "Europe/Londn",
        "4: time_zone: got 'Europe/Londn': no such time zone; did you mean Europe/London? Correct it.",
    ),
    (
        "Europe/London",
        "london",
        "4: time_zone: got 'london': no such time zone; did you mean Europe/London? Correct it.",
    ),
    # GMT is a zone, but Britain leaves it in summer.
    (
        "Europe/London",
        "GMT",
        "4: time_zone: got 'GMT': no such time zone; expected a place: Europe/London. Correct it.",
    ),
    ("currency: GBP\nr", "currency: gbp\nr", f"5: base_currency: got 'gbp': {CURRENCY}. Correct it."),
    ("currency: GBP\nr", "currency: £\nr", f"5: base_currency: got '£': {CURRENCY}. Correct it."),
    ("- source: shop-1", "- shop-1\n  - source: shop-1", f"7: routes[0]: got 'shop-1': {NAMES}. Correct it."),
    (
        "source: shop-1",
        "source: Shop 1",
        "7: routes[0].source: got 'Shop 1': expected a source's name in small letters, digits and hyphens, such as "
        "shop-1. Correct it.",
    ),
    ("[GBP]", "GBP", f"8: routes[0].currencies: got 'GBP': {LIST}. Correct it."),
    (
        "[GBP]",
        "[]",
        "8: routes[0].currencies: got []: expected at least one; leave the line out if there is none. Correct it.",
    ),
    ("[GBP]", "", f"8: routes[0].currencies: got nothing: {LIST}. Correct it."),
    ("[GBP]", "[GBP, gbp]", f"8: routes[0].currencies[1]: got 'gbp': {CURRENCY}. Correct it."),
    (
        "currencies: [GBP]",
        "countries: [UK]",
        "8: routes[0].countries[0]: got 'UK': the ISO 3166-1 code is GB. Correct it.",
    ),
    (
        "currencies: [GBP]",
        "countries: [Norway]",
        "8: routes[0].countries[0]: got 'Norway': expected an ISO 3166-1 code such as GB. Correct it.",
    ),
    (
        "currencies: [GBP]",
        "country: [GB]",
        "8: routes[0].country is not known; did you mean countries? Correct or remove it.",
    ),
    (BOTH, "", f"6: routes: got nothing: {LIST}. Correct it."),
    ('"0200"', '"02 00"', f"12: accounts.goods: got '02 00': {CODE}. Correct it."),
    ('"0200"', "", "12: accounts.goods: got nothing: expected text. Correct it."),
    ('"0200"', "[200]", "12: accounts.goods: got ['200']: expected text. Correct it."),
    ("goods:", "good:", f"12: accounts.good: got 'good': {KINDS}. Correct it."),
    ('accounts:\n  goods: "0200"\n', 'accounts: "200"\n', f"11: accounts: got '200': {NAMES}. Correct it."),
    ('"20"', "20%", f"15: taxes.rates[0].percent: got '20%': {NUMBER}. Correct it."),
    ('"20"', "120", "15: taxes.rates[0].percent: got '120': expected less than or equal to 100. Correct it."),
    ('"20"', "-1", "15: taxes.rates[0].percent: got '-1': expected greater than or equal to 0. Correct it."),
    ('"20"', "nan", "15: taxes.rates[0].percent: got 'nan': expected a finite number. Correct it."),
    # A decimal comma within braces is the border between two names.
    ('"20"', "17,5", "15: taxes.rates[0].5 is not known; known here: percent, type. Correct or remove it."),
    ("OUTPUT2", "output2", f"15: taxes.rates[0].type: got 'output2': {TAX_TYPE}. Correct it."),
    ("OUTPUT2", "20% (VAT)", f"15: taxes.rates[0].type: got '20% (VAT)': {TAX_TYPE}. Correct it."),
    (EXEMPT, "EXEMPTOUTPUT", f"18: taxes.codes.exempt: got 'EXEMPTOUTPUT': {NAMES}. Correct it."),
    ('  untaxed: {type: NONE, percent: "0"}\n', "", "13: taxes.untaxed is missing. Add it."),
    ("S1-,", "'S1,',", f"23: numbers.shop-1.invoice: got 'S1,': {PREFIX}. Correct it."),
    ("S1-,", f"{'S' * 80},", f"23: numbers.shop-1.invoice: got '{'S' * 58}…: {PREFIX}. Correct it."),
    (", credit_note: S1-CN-", "", "23: numbers.shop-1.credit_note is missing. Add it."),
    (
        "Shop 1 customers",
        "''",
        "25: contacts.shop-1.channel_name: got '': expected some text. Correct it.",
    ),
    (
        "channel_name",
        "policy: per_contact, channel_name",
        "25: contacts.shop-1.policy: got 'per_contact': expected 'per_customer' or 'per_channel'. Correct it.",
    ),
    ("{channel_name: Shop 1 customers}", "", f"25: contacts.shop-1: got nothing: {NAMES}. Correct it."),
]

# A last line, and what is said of it.
MORE = [
    ("terms_days: 14 days", "terms_days: got '14 days': expected a whole number. Correct it."),
    ("terms_days: 400", "terms_days: got '400': expected less than or equal to 365. Correct it."),
    ("terms: 14", "terms is not known; did you mean terms_days? Correct or remove it."),
    ("status: PAID", "status: got 'PAID': expected 'DRAFT', 'SUBMITTED' or 'AUTHORISED'. Correct it."),
    ("status: AUTHORIZED", "status: got 'AUTHORIZED': expected 'DRAFT', 'SUBMITTED' or 'AUTHORISED'. Correct it."),
    ("rounding: 860", f"rounding: got '860': {NAMES}. Correct it."),
    (
        'rounding: {account: "860", max: 5}',
        "rounding.max: got '5': expected less than or equal to 1. Correct it.",
    ),
    ('rounding: {account: "860", max: 0}', "rounding.max: got '0': expected greater than 0. Correct it."),
    (
        "trace_url: trace.example",
        "trace_url: got 'trace.example': expected an address that begins with https:// or http://. Correct it.",
    ),
    ("sku_accounts: {MUG: }", "sku_accounts.MUG: got nothing: expected text. Correct it."),
    ("version: 1", "version stands here a second time. Remove one of the two."),
    ("\tx: 1", f"not YAML: found character '\\t' that cannot start any token. {YAML}"),
    ("x: *y", f"not YAML: found undefined alias 'y'. {YAML}"),
    ("x: \x07", f"not YAML: the character U+0007 may not stand here. {YAML}"),
    ("? [a]\n: b", f"not YAML: a name must be plain text. {YAML}"),
    ("xero_tenant_id: {{ id }}", f"not YAML: a name must be plain text. {YAML}"),
    ("---\nx: 1", f"not YAML: found another document. {YAML}"),
    ("x: [1]: 2", f"not YAML: mapping values are not allowed here. {YAML}"),
]


@pytest.mark.parametrize(("old", "new", "message"), FIELDS)
def test_a_field(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert problems(tmp_path, **changed("uk", old, new)) == [f"uk.yaml:{message}"]


@pytest.mark.parametrize(("line", "message"), MORE)
def test_a_last_line(tmp_path: Path, line: str, message: str) -> None:
    assert problems(tmp_path, uk=f"{WHOLE}{line}\n") == [f"uk.yaml:26: {message}"]


def test_text_that_ends_too_early_is_told_where_it_ends(tmp_path: Path) -> None:
    assert problems(tmp_path, uk=f"{WHOLE}x: 'a\n") == [f"uk.yaml:27: not YAML: found unexpected end of stream. {YAML}"]


def test_a_value_that_holds_itself(tmp_path: Path) -> None:
    assert problems(tmp_path, uk=f"{WHOLE}x: &a [*a]\n") == [
        f"uk.yaml:1: not YAML: a value holds itself, or nests without end. {YAML}"
    ]


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    uk = WHOLE.replace("base_currency", "currency").replace("[GBP]", "[gbp]")
    found = problems(tmp_path, uk=uk, **changed("sources", "cloudevents", "shopware"), **changed("ie", "23", "x"))
    assert [line.split(": ")[0] for line in found] == [
        "sources.yaml:4",
        "ie.yaml:11",
        "uk.yaml:1",
        "uk.yaml:8",
        "uk.yaml:10",
        "uk.yaml:5",
    ]
    assert found[2:] == [
        "uk.yaml:1: base_currency is missing. Add it.",
        f"uk.yaml:8: routes[0].currencies[0]: got 'gbp': {CURRENCY}. Correct it.",
        f"uk.yaml:10: routes[1].currencies[0]: got 'gbp': {CURRENCY}. Correct it.",
        "uk.yaml:5: currency is not known; did you mean base_currency? Correct or remove it.",
    ]

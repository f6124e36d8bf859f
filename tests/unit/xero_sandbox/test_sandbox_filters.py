"""The where parser: what it selects, and what it refuses."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.xero.sandbox.filters import Getter, parse_order, parse_where
from connectors.xero.sandbox.problems import BadQuery


@dataclass(frozen=True)
class Row:
    name: str | None = "Café Ann"
    amount: Decimal = Decimal("10.50")
    day: date = date(2026, 3, 1)
    paid: bool = False
    contact_id: str = "aaaa-01"
    updated: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)


FIELDS: dict[str, Getter[Row]] = {
    "name": lambda row: row.name,
    "amount": lambda row: row.amount,
    "date": lambda row: row.day,
    "ispaid": lambda row: row.paid,
    "contact.contactid": lambda row: row.contact_id,
    "updateddateutc": lambda row: row.updated,
}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('Name=="cafe ann"', True),
        ('Name="CAFÉ ANN"', True),
        ('Name!="x"', True),
        ('Name.Contains("fé")', True),
        ('name.StartsWith("caf") AND Name.EndsWith("ANN")', True),
        ('Name.ToLower()=="café ann"', True),
        ('Name.ToUpper().Contains("x")', False),
        ('Name.ToLower().Contains("fé")', True),
        ('Name.ToLower().ToUpper().StartsWith("caf") AND IsPaid==false', True),
        ("Name.ToLower().Length()", None),
        ("Name.ToLower().", None),
        ('Name.Contains("fé").ToLower()', None),
        ("Amount>10.49 && Amount<=10.5", True),
        ("Amount>=10.51", False),
        ("Amount==10.500", True),
        ("Date>=DateTime(2026,3,1) AND Date<DateTime(2026, 03, 02)", True),
        ('Date==DateTime.Parse("2026-03-01")', True),
        ("UpdatedDateUTC>DateTime(2026,3,1,11,59,59)", True),
        ('Contact.ContactID==Guid("AAAA-01")', True),
        ("IsPaid==false", True),
        ("IsPaid", False),
        ("Name==null", False),
        ("Name!=null AND (Amount==1 OR Amount==10.5)", True),
        ('Name=="x" OR Name=="y" || Amount==10.5 AND IsPaid==true', False),
        ("Name>1", False),
        ('Name=="a \\"quoted\\" name"', False),
    ],
)
def test_what_is_selected(where: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(BadQuery):
            parse_where(where, FIELDS)
    else:
        assert parse_where(where, FIELDS)(Row()) is expected


def test_a_missing_value_is_neither_before_nor_after() -> None:
    assert parse_where("Name==null", FIELDS)(Row(name=None)) is True
    assert parse_where('Name.Contains("a")', FIELDS)(Row(name=None)) is False
    assert parse_where('Name<"b" OR Name>="b"', FIELDS)(Row(name=None)) is False


@pytest.mark.parametrize(
    "where",
    [
        "Nope==1", "Name==", "==1", '"x"', 'Name=="x', "(Name==null", "Name==null)", "Name==null Amount==1", "Name ~ 1",
        "Date==DateTime(2026,13,1)", "Date==DateTime(x)", "Guid(1)==Name", 'Name.Matches("x")', "Name.Contains()",
        ".Name==null", "AND Name==null", "Name==null AND", "Date==DateTime()", "(" * 60 + "IsPaid" + ")" * 60,
    ],
)  # fmt: skip
def test_what_is_refused(where: str) -> None:
    with pytest.raises(BadQuery):
        parse_where(where, FIELDS)


@given(st.text(alphabet='NameAmount=!<>()&|"., 12ANDORGuid', max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(where: str) -> None:
    try:
        assert parse_where(where, FIELDS)(Row()) in (True, False)
    except BadQuery:
        pass


def test_order_has_directions_and_several_keys() -> None:
    keys = parse_order("Date DESC, Name", FIELDS)
    assert [(getter(Row()), descends) for getter, descends in keys] == [(date(2026, 3, 1), True), ("Café Ann", False)]
    for text in ("Nope", "Name SIDEWAYS", "Name ASC DESC", ""):
        with pytest.raises(BadQuery):
            parse_order(text, FIELDS)

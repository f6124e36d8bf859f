"""Which lists of Xero are read, when, and with which request."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from streams.core import surveys
from streams.core.surveys import PAGE, Survey, SurveyName

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
LONDON = ZoneInfo("Europe/London")
HOUR = dt.timedelta(hours=1)


def survey(name: SurveyName, page: int = 1, since: dt.datetime | None = NOW) -> Survey:
    return Survey(name=name, page=page, modified_since=since, began_at=None, listened_since=NOW, ended_at=NOW)


def test_what_was_modified_is_asked_for_by_the_page() -> None:
    asked = surveys.request(survey("Invoices", 3))
    assert (asked.method, asked.path, asked.modified_since) == ("GET", "/Invoices", NOW)
    assert dict(asked.query) == {"unitdp": "4", "page": "3", "pageSize": "1000"}
    assert dict(surveys.request(survey("Accounts", since=None)).query) == {}
    assert surveys.request(survey("Organisations")).path == "/Organisation"
    opened = surveys.request(survey("OpenInvoices", since=None))
    assert dict(opened.query)["Statuses"] == "DRAFT,SUBMITTED,AUTHORISED"
    assert survey("OpenInvoices").resource == "Invoices"


def test_the_first_one_goes_back_a_while_and_is_not_news() -> None:
    assert surveys.first_since("Invoices", NOW) == NOW - dt.timedelta(days=35)
    assert surveys.first_since("Contacts", NOW) is None
    assert Survey(
        name="Invoices", page=1, modified_since=None, began_at=None, listened_since=NOW, ended_at=None
    ).is_first
    assert not survey("Invoices").is_first


def test_a_page_that_is_not_full_is_the_last() -> None:
    assert surveys.is_last(survey("Invoices"), PAGE - 1)
    assert not surveys.is_last(survey("Invoices"), PAGE)
    assert surveys.is_last(survey("Accounts"), 5 * PAGE)


def test_the_next_one_overlaps() -> None:
    assert surveys.next_since(survey("Payments"), NOW) == NOW - dt.timedelta(minutes=2)
    assert surveys.next_since(survey("OpenInvoices"), NOW) is None
    assert surveys.next_since(survey("TaxRates"), NOW) is None


@pytest.mark.parametrize(
    ("name", "began_at", "due"),
    [
        ("Invoices", NOW, NOW + HOUR),
        ("Accounts", NOW, NOW + 6 * HOUR),
        ("Organisations", NOW, NOW + HOUR),
        # At two o'clock where the organisation is, in summer as in winter.
        ("OpenInvoices", NOW, dt.datetime(2026, 11, 29, 2, tzinfo=dt.UTC)),
        ("OpenInvoices", dt.datetime(2026, 11, 29, 1, tzinfo=dt.UTC), dt.datetime(2026, 11, 29, 2, tzinfo=dt.UTC)),
        ("OpenInvoices", dt.datetime(2026, 7, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 2, 1, tzinfo=dt.UTC)),
    ],
)
def test_when_it_is_due_again(name: SurveyName, began_at: dt.datetime, due: dt.datetime) -> None:
    assert surveys.next_at(name, began_at, HOUR, LONDON) == due


SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize("since", [NOW, None])
def test_a_full_page_is_gone_on_from_by_the_time_of_its_last_row(since: dt.datetime | None) -> None:
    read = [NOW + SECOND, NOW + 5 * SECOND, NOW + 9.5 * SECOND]
    assert surveys.goes_on(survey("Invoices", 1, since), read) == (1, NOW + 8 * SECOND)
    assert surveys.goes_on(survey("OpenInvoices", 4, since), read) == (1, NOW + 8 * SECOND)


@pytest.mark.parametrize(
    "read",
    [
        # All of one moment: a page that began there anew would be the same one.
        [NOW + 0.1 * SECOND, NOW + 0.9 * SECOND],
        # Without times, or in another order, there is but the number.
        [NOW + 5 * SECOND, None],
        [NOW + 9 * SECOND, NOW + 5 * SECOND],
        [],
    ],
)
def test_where_that_does_not_get_on_the_number_of_the_page_does(read: list[dt.datetime | None]) -> None:
    assert surveys.goes_on(survey("Invoices", 3), read) == (4, NOW)

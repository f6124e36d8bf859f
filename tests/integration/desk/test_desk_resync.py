"""`ledgerstream resync`, on a ledger that no worker has opened yet, and with a day that does not fit."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Sequence

import pytest

from streams.core.surveys import BACKFILLED
from tests.support.desk import Office, order

XERO = """
  xero-1:
    connector: xero
    secrets: [{env: LEDGERSTREAM_SECRET_XERO_1}]
"""


@pytest.fixture
def listening(office: Office) -> Office:
    office.take_in(order("e1", "1001"))
    sources = office.tenants / "sources.yaml"
    sources.write_text(sources.read_text().rstrip() + XERO)
    office.settings["LEDGERSTREAM_SECRET_XERO_1"] = "the webhook key"
    return office


def surveys(office: Office) -> Sequence[tuple[str, str, bool]]:
    """Of each list that was asked for: the organisation, its name, and whether it goes back to 1 September at least."""

    statement = "SELECT tenant, name, modified_since FROM surveys WHERE reason = 'resync since 2026-09-01'"
    with contextlib.closing(sqlite3.connect(office.url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(statement).fetchall()
    return sorted((row[0], row[1], row[2] is None or row[2] < "2026-09-01 00:00:01") for row in rows)


def test_lists_that_nobody_has_read_yet_are_asked_for_too(listening: Office) -> None:
    tried = listening.type("ledgerstream resync --since 2026-09-01 --dry-run")
    assert (tried.code, "Would read" in tried.out, surveys(listening)) == (0, True, [])
    done = listening.type("ledgerstream resync --since 2026-09-01")
    assert done.code == 0, done.error
    assert done.out.startswith("The worker reads Invoices")
    assert surveys(listening) == sorted(("uk", name, True) for name in BACKFILLED)


def test_a_day_that_is_still_to_come_is_refused(listening: Office) -> None:
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    for dry_run in ("", " --dry-run"):
        refused = listening.type(f"ledgerstream resync --since {tomorrow}{dry_run}")
        assert (refused.code, f"{tomorrow}, which has not begun yet" in refused.error) == (2, True)
    assert listening.type(f"ledgerstream resync --since {dt.datetime.now(dt.UTC).date()}").code == 0

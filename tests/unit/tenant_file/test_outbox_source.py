"""A source that is a company's own database: what is wrong with it, and that its password is never repeated."""

from pathlib import Path

import pytest

from connectors.addresses import ESCAPED
from tests.unit.tenant_file.folder import FILES, changed, load, problems

WHERE = "sources.yaml:{line}: sources.erp-1.database"
SOURCE = """\
  erp-1:
    connector: outbox
    database:
      url: {insecure_literal: "postgresql://app:hush-hush@db.internal/erp"}
"""


def with_source(text: str) -> dict[str, str]:
    return {"sources": FILES["sources.yaml"] + text}


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    found = load(tmp_path, **with_source(SOURCE))
    outbox = found.sources["erp-1"].outbox
    assert outbox is not None
    assert (outbox.table, outbox.poll_s, outbox.keep_days) == ("outbox", 1.0, 7)
    assert outbox.url.reveal() == "postgresql://app:hush-hush@db.internal/erp"
    assert "hush-hush" not in repr(found.sources)
    assert found.sources["shop-1"].outbox is None
    assert found.warnings[1].endswith("sources.erp-1: a secret stands in the file; for real business use env or file.")


def test_everything_can_be_said(tmp_path: Path) -> None:
    more = "      table: sales.outbox\n      poll_s: 0.2\n      keep_days: 30\n"
    outbox = load(tmp_path, **with_source(SOURCE + more)).sources["erp-1"].outbox
    assert outbox is not None
    assert (outbox.table, outbox.poll_s, outbox.keep_days) == ("sales.outbox", 0.2, 30)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "postgresql://app:hush-hush@",
            "oracle://app:hush-hush@",
            f"{WHERE.format(line=16)}.url: the database's address must be postgresql://USER:PASSWORD@HOST/NAME, "
            f"mysql://USER:PASSWORD@HOST/NAME or sqlite:////PATH/TO/FILE, {ESCAPED}. Correct what it refers to.",
        ),
        (
            "postgresql://app:hush-hush@",
            "postgresql://app:hush@hush@",
            f"{WHERE.format(line=16)}.url: the database's address must be postgresql://USER:PASSWORD@HOST/NAME, "
            f"mysql://USER:PASSWORD@HOST/NAME or sqlite:////PATH/TO/FILE, {ESCAPED}. Correct what it refers to.",
        ),
        (
            '{insecure_literal: "postgresql://app:hush-hush@db.internal/erp"}',
            '"postgresql://app:hush-hush@db.internal/erp"',
            f"{WHERE.format(line=16)}.url: got a value that is not shown: expected names and values beneath it. "
            "Correct it.",
        ),
        (
            '{insecure_literal: "postgresql://app:hush-hush@db.internal/erp"}',
            "{env: UNSET}",
            f"{WHERE.format(line=16)}.url: the environment variable UNSET is not set. Set it to the source's secret.",
        ),
        (
            "    database:\n",
            "    database:\n      table: outbox; drop\n",
            f"{WHERE.format(line=16)}.table: got 'outbox; drop': expected a table's name in small letters, with its "
            "schema or without: outbox or sales.outbox. Correct it.",
        ),
        (
            "connector: outbox",
            "connector: cloudevents",
            f"{WHERE.format(line=15)}: only the connector outbox has one. Remove it, or correct the connector.",
        ),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert SOURCE.count(old) == 1
    assert problems(tmp_path, **with_source(SOURCE.replace(old, new))) == [message]


def test_an_outbox_needs_a_database(tmp_path: Path) -> None:
    message = (
        "sources.yaml:3: sources.shop-1.database is missing. "
        "Add it, with the url of the database that holds the outbox."
    )
    assert problems(tmp_path, **changed("sources", "connector: cloudevents", "connector: outbox")) == [message]

"""What files contradict in each other, the folder that they are in, and the configuration that comes of it."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams import tenants
from streams.core.file_reading import read
from streams.core.tenant_file import SourcesFile, TenantFile
from streams.tenants import TenantFilesError
from tests.support.rules import ENVIRON as SHIPPED_ENVIRON
from tests.support.rules import FOLDER
from tests.unit.tenant_file.folder import ENVIRON, FILES, changed, load, problems, write

ROUTE = "  - source: shop-1\n    currencies: [EUR]\n"
ACCOUNT = '  - {gateway: stripe, currency: GBP, account: "091"}\n'
NUMBERS = "  shop-1: {invoice: S1-, credit_note: S1-CN-}\n"
UNTAXED = 'untaxed: {type: NONE, percent: "0"}'
ADD = "Correct it, or add the source there."
PREFIX = "so two orders 1001 would get one number. Give each source a prefix of its own."
ONE_RATE = "A tax type of Xero has one rate: correct the one that is wrong."
CLAIMS = "ie.yaml:7: routes[0]: uk.yaml claims the same business of shop-1"
APART = "Tell them apart by currencies, countries or channels."
START = "Start from the files in deploy/tenants, or name their folder in LEDGERSTREAM_TENANTS."


def no_account(gateway: str, currency: str = "GBP") -> str:
    return (
        f"uk.yaml:9: routes[1]: payments has no clearing account of gateway {gateway} in {currency}, and payments of "
        "stripe-1 belong here. Add one there."
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "messages"),
    [
        (
            "uk",
            "source: shop-1",
            "source: shop",
            [f"uk.yaml:7: routes[0].source: sources.yaml has no source shop; did you mean shop-1? {ADD}"],
        ),
        (
            "uk",
            "numbers:\n  shop-1",
            "numbers:\n  web",
            [f"uk.yaml:23: numbers.web: sources.yaml has no source web; known there: shop-1, stripe-1. {ADD}"],
        ),
        (
            "uk",
            "contacts:\n  shop-1",
            "contacts:\n  web",
            [f"uk.yaml:25: contacts.web: sources.yaml has no source web; known there: shop-1, stripe-1. {ADD}"],
        ),
        (
            "uk",
            '"20"',
            '"0.0"',
            [
                "uk.yaml:16: taxes.rates[1]: ZERORATEDOUTPUT and OUTPUT2 are both 0 %, so it is not clear which a line "
                "gets. Keep one; give the other a name under taxes.codes."
            ],
        ),
        (
            "uk",
            "EXEMPTOUTPUT",
            "OUTPUT2",
            [f"uk.yaml:18: taxes.codes.exempt: OUTPUT2 is 0 % here and 20 % above. {ONE_RATE}"],
        ),
        (
            "uk",
            UNTAXED,
            UNTAXED.replace("NONE", "OUTPUT2"),
            [f"uk.yaml:19: taxes.untaxed: OUTPUT2 is 0 % here and 20 % above. {ONE_RATE}"],
        ),
        (
            "uk",
            ACCOUNT,
            ACCOUNT + ACCOUNT.replace("091", "092"),
            ["uk.yaml:22: payments[1]: stripe in GBP has a clearing account above, 091. Remove one of the two."],
        ),
        ("uk", "gateway: stripe", "gateway: stipe", [no_account("stripe")]),
        ("uk", "currency: GBP, acc", "currency: EUR, acc", [no_account("stripe")]),
        ("uk", f"payments:\n{ACCOUNT}", "", [no_account("stripe")]),
        ("sources", "gateway: stripe", "gateway: paypal", [no_account("paypal")]),
        ("sources", "    gateway: stripe\n", "", [no_account("stripe-1")]),
        (
            "uk",
            NUMBERS,
            NUMBERS + NUMBERS.replace("shop-1", "stripe-1"),
            [
                f"uk.yaml:24: numbers.stripe-1.invoice: shop-1 has S1- too, {PREFIX}",
                f"uk.yaml:24: numbers.stripe-1.credit_note: shop-1 has S1-CN- too, {PREFIX}",
            ],
        ),
        (
            "ie",
            "xero-ie",
            "xero-uk",
            ["uk.yaml:3: xero_tenant_id: ie.yaml has it too. Give each organisation one file."],
        ),
        ("ie", "[EUR]", "[EUR, GBP]", [f"{CLAIMS}, such as currency GBP. {APART}"]),
        ("ie", "currencies: [EUR]", "countries: [IE]", [f"{CLAIMS}, such as currency GBP, country IE. {APART}"]),
        ("ie", "currencies: [EUR]", "channels: [pos]", [f"{CLAIMS}, such as currency GBP, channel pos. {APART}"]),
    ],
)
def test_a_contradiction(tmp_path: Path, file: str, old: str, new: str, messages: list[str]) -> None:
    assert problems(tmp_path, **changed(file, old, new)) == messages


def test_two_organisations_that_both_take_everything(tmp_path: Path) -> None:
    uk = FILES["uk.yaml"].replace("    currencies: [GBP]\n", "", 1)
    ie = FILES["ie.yaml"].replace("    currencies: [EUR]\n", "", 1)
    assert problems(tmp_path, uk=uk, ie=ie) == [f"{CLAIMS}. {APART}"]


@pytest.mark.parametrize(
    "route",
    [
        # Whoever asks for more, wins.
        "  - source: shop-1\n",
        "  - source: shop-1\n    currencies: [GBP]\n    countries: [IE]\n",
        "  - source: shop-1\n    currencies: [EUR]\n    channels: [web, pos]\n",
        # What two routes share is decided by a third.
        "  - source: shop-1\n    countries: [IE]\n  - {source: shop-1, currencies: [GBP], countries: [IE]}\n",
        # Norway is a country, and no truth.
        "  - source: shop-1\n    currencies: [NOK]\n    countries: [NO]\n",
    ],
)
def test_routes_that_can_be_told_apart(tmp_path: Path, route: str) -> None:
    assert problems(tmp_path, **changed("ie", ROUTE, route)) == []


def test_two_organisations_may_share_a_gateway(tmp_path: Path) -> None:
    """A payment belongs to whoever owns the invoice, wherever its currency does not say it."""
    ie = FILES["ie.yaml"].replace(ROUTE, f"{ROUTE}  - source: stripe-1\n    currencies: [GBP]\n")
    assert problems(tmp_path, ie=f"{ie}payments:\n{ACCOUNT}") == []
    by_country = FILES["uk.yaml"].replace(
        "- source: stripe-1\n    currencies: [GBP]", "- {source: stripe-1, countries: [GB]}"
    )
    assert problems(tmp_path, uk=by_country) == []


def test_the_same_entry_twice_is_no_contradiction(tmp_path: Path) -> None:
    assert problems(tmp_path, **changed("uk", ACCOUNT, ACCOUNT * 2)) == []


def test_a_source_that_no_organisation_takes_is_warned_of(tmp_path: Path) -> None:
    added = FILES["sources.yaml"] + "  shop-2: {connector: cloudevents}\n"
    assert load(tmp_path, sources=added).warnings == (
        f"{tmp_path}/sources.yaml:13: sources.shop-2: no tenant file has a route for it, so its events become dead "
        "letters. Add one to the file of the organisation that they belong to.",
    )


def test_the_shipped_files_are_accepted() -> None:
    found = tenants.load(FOLDER, SHIPPED_ENVIRON)
    assert (set(found.tenants), found.warnings) == ({"uk", "ie"}, ())
    assert found.tenants["uk"].file.xero_tenant_id == "xero-uk"


def test_a_tenant_is_ready_for_look_ups(tmp_path: Path) -> None:
    uk = load(tmp_path).tenants["uk"]
    assert (uk.name, uk.zone.key) == ("uk", "Europe/London")
    assert uk.by_percent[Decimal(20)].type == "OUTPUT2"
    assert uk.percents == {
        "OUTPUT2": Decimal(20), "ZERORATEDOUTPUT": Decimal(0), "EXEMPTOUTPUT": Decimal(0), "NONE": Decimal(0)
    }  # fmt: skip
    assert {key: entry.account for key, entry in uk.clearing.items()} == {("stripe", "GBP"): "091"}
    assert uk.file.accounts["goods"] == "0200"


def test_the_version_is_that_of_the_content(tmp_path: Path) -> None:
    before = load(tmp_path).version
    assert load(tmp_path).version == before
    assert load(tmp_path, ie=FILES["ie.yaml"] + "# a word\n").version != before


@pytest.mark.parametrize("name", ["fr.yml", "FR.yaml", "uk copy.yaml", ".uk.yaml", "uk#1.yaml"])
def test_no_file_is_passed_over(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    (tmp_path / name).write_text(FILES["ie.yaml"])
    with pytest.raises(TenantFilesError) as caught:
        tenants.load(tmp_path, ENVIRON)
    assert str(caught.value) == (
        f"{tmp_path}/{name}: a file's name is small letters, digits and hyphens, and .yaml. Rename it, or move it away."
    )


def test_a_folder_that_is_not_there_or_not_whole(tmp_path: Path) -> None:
    for folder, names, what in (
        (tmp_path / "none", (), "cannot be read (No such file or directory)"),
        (tmp_path / "a", ("uk.yaml",), "no sources.yaml"),
        (tmp_path / "b", ("sources.yaml",), "no tenant file beside sources.yaml"),
    ):
        if names:
            folder.mkdir()
        for name in names:
            (folder / name).write_text(FILES[name])
        with pytest.raises(TenantFilesError) as caught:
            tenants.load(folder, ENVIRON)
        assert str(caught.value) == f"{folder}: {what}. {START}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "fr.yaml").write_bytes("time_zone: é".encode("latin-1"))
    with pytest.raises(TenantFilesError, match=r"/fr\.yaml: is not UTF-8 text\. Save it as UTF-8\.$"):
        tenants.load(tmp_path, ENVIRON)
    (tmp_path / "fr.yaml").unlink()
    (tmp_path / "fr.yaml").mkdir()
    with pytest.raises(TenantFilesError, match=r"/fr\.yaml: cannot be read \(Is a directory\)\. Mend its rights\.$"):
        tenants.load(tmp_path, ENVIRON)


PIECES = st.lists(
    st.sampled_from([
        "a", "version", "routes", "sources", "taxes", "1", ": ", "- ", "\n", "\n  ", "{", "}", "[", "]", ", ", "&a ",
        "*a", "<<: ", "? ", "|\n", "'", '"', "#", "!!int ", "!!null ", "~", "${A}", "${", "\t", "\x00", "\u2028", "é",
    ]),
    max_size=30,
).map("".join)  # fmt: skip


@example("- ${A}<<: ")
@given(PIECES | st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    for kind in (TenantFile, SourcesFile):
        content, found = read("f.yaml", text, kind, {"A": "x"})
        assert (content is None) == bool(found)
        for line in found:
            assert line.startswith("f.yaml:")
            assert int(line.split(":")[1]) >= 1

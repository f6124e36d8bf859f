"""Settings: read once, refused with the variable, the value and the remedy."""

import re
from pathlib import Path

import pytest

from streams import settings


def test_defaults_need_no_environment() -> None:
    loaded = settings.load({})
    assert loaded.kafka_bootstrap_servers is None
    assert loaded.ledger() == f"sqlite:///{Path('.ledgerstream/ledger.db').absolute()}"


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    loaded = settings.load(
        {
            "KAFKA_BOOTSTRAP_SERVERS": "one:9092,two:9092",
            "LEDGERSTREAM_HOME": str(tmp_path),
            "LEDGERSTREAM_RECEIVER_PORT": "9000",
            "LEDGERSTREAM_LEDGER_URL": "postgresql://u:p@h/d",
            "PATH": "/bin",
        }
    )
    assert loaded.kafka_bootstrap_servers == "one:9092,two:9092"
    assert (loaded.home, loaded.receiver_port, loaded.ledger()) == (tmp_path, 9000, "postgresql://u:p@h/d")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.load(
            {
                "LEDGERSTREAM_RECEIVER_PRT": "1",
                "LEDGERSTREAM_RECEIVER_PORT": "99999",
                "LEDGERSTREAM_LOG_LEVEL": "loud",
                "LEDGERSTREAM_SECRET_SHOP": "not a setting, but named by a tenant file",
            }
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "LEDGERSTREAM_RECEIVER_PRT: no such setting; did you mean LEDGERSTREAM_RECEIVER_PORT? "
        "Unset it or correct its name."
    )
    assert [line.split(":")[0] for line in lines[1:]] == ["LEDGERSTREAM_RECEIVER_PORT", "LEDGERSTREAM_LOG_LEVEL"]
    assert "'99999'" in lines[1]


@pytest.mark.parametrize("address", ["http://api.example.com", "ftp://api.example.com"])
def test_tokens_leave_this_machine_encrypted_only(address: str) -> None:
    with pytest.raises(settings.SettingsError, match="LEDGERSTREAM_XERO_API_URL"):
        settings.load({"LEDGERSTREAM_XERO_API_URL": address})


def test_a_sandbox_on_this_machine_may_be_plain() -> None:
    loaded = settings.load({"LEDGERSTREAM_XERO_API_URL": "http://127.0.0.1:8700/api.xro/2.0"})
    assert loaded.xero_api_url.port == 8700


def test_a_secret_shows_in_no_print_and_no_error() -> None:
    loaded = settings.load({"LEDGERSTREAM_XERO_CLIENT_SECRET": "hush-hush"})
    assert "hush-hush" not in repr(loaded)
    assert loaded.xero_client_secret is not None
    assert loaded.xero_client_secret.get_secret_value() == "hush-hush"


def test_an_empty_variable_is_as_good_as_none() -> None:
    loaded = settings.load(
        {"KAFKA_BOOTSTRAP_SERVERS": "", "LEDGERSTREAM_XERO_CLIENT_SECRET": "", "LEDGERSTREAM_HOME": " "}
    )
    assert (loaded.kafka_bootstrap_servers, loaded.xero_client_secret) == (None, None)
    assert loaded.home == Path(".ledgerstream")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:pa55@h/d",
        "ledger.db",
        "sqlite://",
        "sqlite:///",
        "postgresql://",
        "postgresql://u:pa55@h:port/d",
        "postgresql://u:x@pa55@h/d",
        "postgresql://u:12/pa55@h/d",
        "postgresql://h",
    ],
)
def test_a_ledger_that_cannot_be_one_is_told_without_its_password(url: str) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.load({"LEDGERSTREAM_LEDGER_URL": url})
    words = str(caught.value)
    assert words.startswith("LEDGERSTREAM_LEDGER_URL: got ")
    assert "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, with %XX for every character" in words
    assert "pa55" not in words


@pytest.mark.parametrize("servers", ["one:9092,", "one:port", "http://one:9092", "one two"])
def test_a_cluster_is_hosts_with_ports(servers: str) -> None:
    with pytest.raises(settings.SettingsError, match="expected host:port, several separated by commas"):
        settings.load({"KAFKA_BOOTSTRAP_SERVERS": servers})


ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *(ROOT / "deploy").rglob("*.md"), *(ROOT / "deploy" / "tenants").glob("*.yaml")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_documentation_tells_people_to_set_is_taken(page: Path) -> None:
    """One that is refused stops every command."""
    named = set(re.findall(rf"{settings.ENV_PREFIX}\w*[A-Z0-9]\b", page.read_text()))
    known = {settings.variable_of(name) for name in settings.Settings.model_fields}
    assert [name for name in sorted(named - known) if not name.startswith(settings.REFERENCED)] == []


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    variables = [
        settings.variable_of(name).removeprefix(settings.ENV_PREFIX) for name in settings.Settings.model_fields
    ]
    assert [name for name in variables if f"`{name}`" not in readme] == []


def test_no_secret_shows_in_the_settings() -> None:
    shown = repr(
        settings.load(
            {
                "LEDGERSTREAM_XERO_CLIENT_SECRET": "hush-hush",
                "LEDGERSTREAM_LEDGER_URL": "postgresql://app:hush-hush@db.internal/ledger",
            }
        )
    )
    assert "hush-hush" not in shown


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"LEDGERSTREAM_RECEIVER_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"LEDGERSTREAM_RECEIVER_PUBLIC_URL": "https://hooks.example.com"}, "https://hooks.example.com"),
        ({"LEDGERSTREAM_RECEIVER_PUBLIC_URL": "https://example.com/books/"}, "https://example.com/books"),
    ],
)
def test_where_senders_find_the_receiver_is_a_setting(given: dict[str, str], url: str) -> None:
    assert settings.load(given).public_url() == url

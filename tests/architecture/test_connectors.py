"""The kit of connectors: none is half there, and none compares a secret or believes an address in the wrong way."""

import ast
import re
from typing import get_args

import pytest

from connectors.base import NEEDS, ConnectorKind
from connectors.registry import CONNECTORS, REGISTRY
from tests.architecture.code import ROOT, Module, modules

DOCS = ROOT / "deploy" / "docs"
KINDS: tuple[ConnectorKind, ...] = get_args(ConnectorKind)
# An outbox has no door that anyone could knock at: a worker polls it, and tests/integration/outbox proves how.
POLLED = ("outbox",)
# What may not be kept in Kafka beside a request.
CREDENTIALS = re.compile(r"authorization|cookie|token|secret|signature|hmac|api-?key")
# What whoever sends can write, to make us believe that another address was called or that somebody else calls.
OF_PROXIES = re.compile(r"host|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|via")
ADDRESS = ("url", "host", "scheme", "remote", "rel_url")
SECRET_NAME = re.compile(r"secret|token|hmac|mac|digest|signature", re.IGNORECASE)


def test_every_kind_is_a_row_of_the_registry() -> None:
    assert set(REGISTRY) == set(KINDS), "a connector is one row in connectors/registry.py"
    for kind, connector in CONNECTORS.items():
        assert connector.kind == kind, f"the row {kind} has the connector of {connector.kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_connector_has_a_page_that_people_find(kind: ConnectorKind) -> None:
    page = DOCS / REGISTRY[kind].page
    assert page.is_file(), f"{kind} names {page}, which is not there: write how it is connected"
    row = re.compile(rf"^\| `{kind}` \|.*\({re.escape(REGISTRY[kind].page)}\) \|$", re.MULTILINE)
    assert row.search((DOCS / "connectors.md").read_text()), f"{kind} is missing in the table of connectors.md"


def _cases() -> list[str]:
    """The kinds of the classes that run the conformance suite."""
    return [
        str(statement.value.value)
        for module in modules("tests/conformance")
        for node in module.nodes
        if isinstance(node, ast.ClassDef) and "Conformance" in [getattr(base, "id", "") for base in node.bases]
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        if [target.id for target in statement.targets if isinstance(target, ast.Name)] == ["kind"]
    ]


def test_every_connector_with_a_door_passes_the_suite() -> None:
    assert sorted(_cases()) == sorted(set(KINDS) - set(POLLED)), (
        "each connector has one class in tests/conformance, as deploy/docs/connectors.md shows"
    )


@pytest.mark.parametrize("kind", CONNECTORS)
def test_no_credential_is_kept_beside_a_request(kind: ConnectorKind) -> None:
    kept = CONNECTORS[kind].kept_headers
    assert [name for name in kept if CREDENTIALS.search(name) or name != name.lower()] == []


# Where a request may be said to be verified; and where what was verified, or what an API answered to a sweep, becomes
# a raw record, or comes back as one.
MADE_IN = {
    "VerifiedBody": {
        "connectors/receiver/events.py",
        "connectors/receiver/lookup.py",
        "connectors/receiver/sources.py",
    },
    "RawRecord": {
        "connectors/receiver/sources.py",
        "schemas/raw.py",
        *(f"{row.sweep.__module__.replace('.', '/')}.py" for row in REGISTRY.values() if row.sweep is not None),
    },
}


@pytest.mark.parametrize("name", MADE_IN)
def test_only_what_is_verified_is_ever_read(name: str) -> None:
    made = {
        module.path
        for module in modules()
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    }
    assert made <= MADE_IN[name], (
        f"{name} stands for a proof: only the receiver makes one, of what it has verified, and the module that a row "
        "of the registry names as its `sweep`, of what the source's own API answered"
    )


def _doors() -> list[Module]:
    """What deals with requests of others: not the sandbox, which others call, nor what calls Xero."""
    return [module for module in modules("connectors") if not module.path.startswith("connectors/xero/")]


def test_no_header_says_where_a_request_went_or_who_sent_it() -> None:
    wrong = [
        f"{module.path}:{node.lineno} reads {node.value}: whoever sends can write it; HttpRequest.url is configured"
        for module in _doors()
        for node in module.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OF_PROXIES.fullmatch(node.value.lower())
    ]
    wrong += [
        f"{module.path}:{node.lineno} asks aiohttp for the {node.attr}, which is what a header says"
        for module in modules("connectors/receiver")
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr in ADDRESS and isinstance(node.value, ast.Name)
        if node.value.id == "request"
    ]
    assert not wrong, "\n".join(wrong)


def test_secrets_are_compared_in_constant_time() -> None:
    wrong = [
        f"{module.path}:{node.lineno} compares with an operator, which is faster the earlier they differ: use "
        "hmac.compare_digest"
        for module in _doors()
        for node in module.nodes
        if isinstance(node, ast.Compare) and _tells_a_secret(node)
    ]
    assert not wrong, "\n".join(wrong)


def _tells_a_secret(node: ast.Compare) -> bool:
    by_value = any(isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operator in node.ops)
    return by_value and any(_is_secret(part) for part in (node.left, *node.comparators))


def _is_secret(part: ast.expr) -> bool:
    """Whether the compared value itself, not its length or its kind, is named as a secret is."""
    if isinstance(part, ast.Call):
        part = part.func
    if isinstance(part, ast.Subscript):
        part = part.value
    name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
    return name == "reveal" or bool(SECRET_NAME.search(name))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("secret.reveal() == given", True),
        ("given in tokens", True),
        ("mac.hexdigest() != given", True),
        ("_hmac(secret, text) == signatures[0]", True),
        ("len(signatures) == 1", False),
        ("token is None", False),
        ("name in sources", False),
    ],
)
def test_the_rule_finds_such_comparisons(text: str, found: bool) -> None:
    [compare] = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Compare))
    assert _tells_a_secret(compare) is found


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_source_is_given_is_what_its_connector_uses(kind: ConnectorKind) -> None:
    """Else `check` finds nothing wrong with a source that no request can prove itself to, or that is never swept."""
    row, needs = REGISTRY[kind], NEEDS.get(kind)
    assert needs is not None, f"say in NEEDS of connectors/base.py what a source of {kind} is given"
    assert (needs.signs_with is not None) is (row.webhooks is not None), (
        "a door of its own needs a secret, and only that"
    )
    assert needs.api is (row.sweep is not None), "an api is for what has a sweep"

"""The import rules of the design: streams → connectors → schemas, one way, and a pure core."""

import ast
import fnmatch
from functools import cache

import pytest

from tests.architecture.code import Module, modules, within

PURE = (
    "schemas/*.py",
    "streams/core/*.py",
    "connectors/*/normalise.py",
    "connectors/shopify/told/*.py",
    "connectors/stripe/told/*.py",
    "connectors/xero/elements.py",
    "connectors/xero/totals.py",
    "connectors/xero/answers.py",
    "connectors/xero/refusals.py",
    "connectors/xero/ticket.py",
    "connectors/xero/webhook.py",
    "connectors/xero/wire.py",
)
# What a pure module may use of ours: other pure modules, and the contract that connectors share.
PURE_MAY_IMPORT = (*PURE, "connectors/base.py")
IMPURE_LIBRARY = (
    "asyncio",
    "logging",
    "os",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "structlog",
    "threading",
    "time",
    "uuid.uuid1",
    "uuid.uuid4",
)
# schemas.generate writes files: it is the one tool in that package, run by hand and by `make check`.
TOOLS = ("schemas/generate.py",)

ONLY_IN = {
    ("sqlalchemy", "alembic", "aiosqlite", "asyncpg", "sqlite3"): (
        # The ledger is ours; an outbox is a source that speaks SQL, in its own client. The demo's company is an
        # application of somebody else's, which writes into its own database.
        ("streams.ledger", "connectors.outbox", "streams.demo.company"),
        "put the statement into a module of streams/ledger and call that",
    ),
    ("faust", "mode"): (
        ("streams.kafka", "streams.normalise", "streams.translate", "streams.intake"),
        "put it into streams/kafka, or hand the agent a plain function",
    ),
    ("aiokafka",): (("streams.kafka",), "use streams.kafka.producer or streams.kafka.topics"),
}


def matches(module: Module, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatch(module.path, pattern) for pattern in patterns)


def pure_modules() -> list[Module]:
    return [module for module in modules() if matches(module, PURE) and not matches(module, TOOLS)]


@cache
def by_dotted_name() -> dict[str, Module]:
    return {module.name.removesuffix(".__init__"): module for module in modules()}


def resolve(imported: str) -> Module | None:
    """The module of ours that a dotted import names, be it the module itself or a name in it."""
    by_name = by_dotted_name()
    return by_name.get(imported) or by_name.get(imported.rpartition(".")[0])


@pytest.mark.parametrize(
    ("folder", "banned", "instead"),
    [
        ("schemas", ("connectors", "streams"), "schemas know nobody: move the shared type into schemas"),
        ("connectors", ("streams",), "connectors get a Publisher, a cursor or a Ticket handed in by bootstrap"),
    ],
)
def test_imports_go_one_way(folder: str, banned: tuple[str, ...], instead: str) -> None:
    wrong = [
        f"{module.path}:{line} imports {imported}: {instead}"
        for module in modules(folder)
        for imported, line in module.imports
        if within(imported, *banned)
    ]
    assert not wrong, "\n".join(wrong)


def test_libraries_stay_in_their_place() -> None:
    wrong = [
        f"{module.path}:{line} imports {imported}: {instead}"
        for libraries, (allowed, instead) in ONLY_IN.items()
        for module in modules()
        for imported, line in module.imports
        if within(imported, *libraries) and not within(module.name.removesuffix(".__init__"), *allowed)
    ]
    assert not wrong, "\n".join(wrong)


def test_environment_is_read_in_settings_only() -> None:
    wrong = [
        f"{module.path}:{node.lineno} reads the environment: take it as an argument, streams/settings.py reads it once"
        for module in modules()
        if module.path != "streams/settings.py"
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_modules_import_only_pure_ones() -> None:
    wrong = []
    for module in pure_modules():
        for imported, line in module.imports:
            if within(imported, *IMPURE_LIBRARY):
                wrong.append(f"{module.path}:{line} imports {imported}: take the value as an argument")
            ours = resolve(imported)
            if ours is not None and not matches(ours, PURE_MAY_IMPORT) and not ours.path.endswith("__init__.py"):
                wrong.append(
                    f"{module.path}:{line} imports {imported}, which is not pure: move what is shared into a pure one"
                )
    assert not wrong, "\n".join(wrong)


def test_pure_modules_neither_wait_nor_ask_the_clock() -> None:
    wrong = []
    for module in pure_modules():
        for node in module.nodes:
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
                wrong.append(f"{module.path}:{node.lineno} waits: decide here, let the shell do it")
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "fromtimestamp"):
                wrong.extend(_asks_clock(module, node))
    assert not wrong, "\n".join(wrong)


def _asks_clock(module: Module, node: ast.Attribute) -> list[str]:
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    if owner not in ("datetime", "date") or (node.attr == "fromtimestamp" and _with_zone(module, node)):
        return []
    return [f"{module.path}:{node.lineno} asks the clock or the machine's zone: take the time as an argument"]


def _with_zone(module: Module, node: ast.Attribute) -> bool:
    calls = (call for call in module.nodes if isinstance(call, ast.Call) and call.func is node)
    return any(len(call.args) > 1 or any(keyword.arg == "tz" for keyword in call.keywords) for call in calls)


@pytest.mark.parametrize(
    "sandbox", ["connectors.xero.sandbox", "connectors.shopify.sandbox", "connectors.stripe.sandbox"]
)
def test_the_sandbox_shares_nothing_with_what_it_checks(sandbox: str) -> None:
    # A clock, a look at an address and what sends and serves are no opinion about Shopify or Stripe.
    shared = (
        "schemas.money",
        "connectors.sandboxes",
        "connectors.xero.sandbox.clock",
        "connectors.xero.sandbox.webhooks.posting",
    )
    wrong = [
        f"{module.path}:{line} imports {imported}: the sandbox may share only schemas.money, else our errors too"
        for module in modules(sandbox.replace(".", "/"))
        for imported, line in module.imports
        if within(imported, "schemas", "connectors", "streams") and not within(imported, sandbox, *shared)
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_are_absolute() -> None:
    wrong = [
        f"{module.path}:{line}: write the whole path" for module in modules() for line in module.relative_imports()
    ]
    assert not wrong, "\n".join(wrong)


# What is built once, in one place, from the settings: `streams/bootstrap.py` hands it to everyone else, and
# `streams/opening.py` and `streams/opening_xero.py` to people.
WIRING = ("streams/bootstrap.py", "streams/opening.py", "streams/opening_xero.py")
WIRED_IN_BOOTSTRAP = ("XeroClient", "Producer", "open_ledger", "open_as_it_is", "EmbeddedApp", "MetricsRegistry")


def test_concrete_classes_are_wired_in_bootstrap_only() -> None:
    wrong = [
        f"{module.path}:{node.lineno} builds {node.func.id}: take it as an argument, streams/bootstrap.py builds it"
        for module in modules("streams", "connectors")
        if module.path not in WIRING
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WIRED_IN_BOOTSTRAP
    ]
    assert not wrong, "\n".join(wrong)


def test_the_oracle_of_chaos_knows_nothing_of_ours() -> None:
    """What is sent, what was answered and what must follow is written from the documentation alone."""
    apart = ("mix", "malformed", "shapes", "doors", "senders", "log", "expected", "oracle", "books", "letters", "clock")
    found = {module.name.rpartition(".")[2]: module for module in modules("tests/chaos")}
    wrong = [
        f"{module.path}:{line} imports {imported}: an oracle that shares code with the product shares its errors"
        for module in map(found.__getitem__, apart)
        for imported, line in module.imports
        if within(imported, "schemas", "connectors", "streams", "tests")
        and not within(imported, *(f"tests.chaos.{name}" for name in apart))
    ]
    assert not wrong, "\n".join(wrong)

"""Rule 15 of the house: what nobody runs is a wish."""

import ast
import re
import statistics
from typing import get_args

from streams.core.results import Result
from streams.logs import FIELDS
from tests.architecture.code import modules

FUNCTION_LINES_MAX = 60
MODULE_LINES_MAX = 400
MODULE_LINES_MEDIAN_MAX = 150
OURS = ("schemas", "connectors", "streams", "tests")


def test_functions_fit_a_screen() -> None:
    wrong = [
        f"{module.path}:{node.lineno} {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}: "
        "give its parts names of their own"
        for module in modules(*OURS)
        # A migration is a list of statements that nobody changes any more.
        if "/migrations/versions/" not in module.path
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_are_one_idea_long() -> None:
    wrong = [
        f"{module.path} has {module.lines} lines, at most {MODULE_LINES_MAX}: it is two ideas in one room, split it"
        for module in modules(*OURS)
        if module.lines > MODULE_LINES_MAX
    ]
    assert not wrong, "\n".join(wrong)


def test_the_median_module_is_short() -> None:
    median = statistics.median(module.lines for module in modules() if module.lines > 10)
    assert median <= MODULE_LINES_MEDIAN_MAX, f"the median module has {median} lines: split the longest"


def test_nothing_is_left_for_later_without_an_owner() -> None:
    wrong = [
        f"{module.path}:{number} leaves something for later without a name: finish it, or write TODO(name): why"
        for module in modules(*OURS)
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b(?!\(\w+\):)", line) and "re.search" not in line
    ]
    assert not wrong, "\n".join(wrong)


def test_no_test_is_skipped() -> None:
    wrong = [
        f"{module.path}:{node.lineno} skips a test: a skipped test hides a missing part; install what it needs"
        for module in modules("tests")
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail", "importorskip")
    ]
    assert not wrong, "\n".join(wrong)


def test_silenced_checkers_say_why() -> None:
    wrong = [
        f"{module.path}:{number} silences a checker without a code and a reason beside it"
        for module in modules(*OURS)
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(r"#\s*(type: ignore|noqa)(?!(\[[\w-]+\]|: [A-Z]+\d+(, [A-Z]+\d+)*)\s+\S.*\w{3,})", line)
        and "re.search" not in line
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_logged_is_not_dropped_on_the_way() -> None:
    """Only fields of a list come through (streams/logs.py); another name would be lost in silence."""
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    wrong = [
        f"{module.path}:{node.lineno} logs {keyword.arg}, which is not in FIELDS: add it, if it is never secret or "
        "personal, or take a name that is there"
        for module in modules("streams", "connectors")
        for node in module.nodes
        if isinstance(node, ast.Call)
        and (
            (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in levels
                and ast.unparse(node.func.value) == "_log"
            )
            or (isinstance(node.func, ast.Name) and node.func.id == "write" and module.path.endswith("guard.py"))
        )
        for keyword in node.keywords
        if keyword.arg not in {None, "exc_info", *FIELDS}
    ]
    assert not wrong, "\n".join(wrong)
    assert {kind.__name__.lower() for kind in get_args(Result)} <= FIELDS

"""The sandbox's page names every switch, every choice of a fault and every admin path; nothing is undocumented."""

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import connectors.xero.sandbox as package
from connectors.xero.sandbox import Fault, Sandbox, Switches
from connectors.xero.sandbox.faults import Answer, Commit
from connectors.xero.sandbox.webhooks.orders import Orders

PAGE = (Path(package.__file__).parent / "README.md").read_text()


@pytest.mark.parametrize("switch", [field.name for field in fields(Switches)])
def test_every_switch_is_on_the_page(switch: str) -> None:
    assert f"`{switch}`" in PAGE


@pytest.mark.parametrize("word", [field.name for field in fields(Fault)] + [*get_args(Answer), *get_args(Commit)])
def test_every_choice_of_a_fault_is_on_the_page(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("order", Orders.__struct_fields__)
def test_every_order_for_webhooks_is_on_the_page(order: str) -> None:
    assert f"`{order}`" in PAGE


def test_every_admin_path_is_on_the_page() -> None:
    resources = Sandbox().app().router.resources()
    paths = {resource.canonical for resource in resources if resource.canonical.startswith("/_sandbox")}
    assert len(paths) > 10
    assert [path for path in sorted(paths) if path not in PAGE] == []

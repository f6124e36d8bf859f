"""Logs carry only fields that somebody decided are safe."""

import json

import pytest
import structlog

from streams import logs


def test_a_line_has_known_fields_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    structlog.get_logger().info(
        "call done", command_id="c", tenant="uk", xero_correlation_id="x", token="hush", email="a@b.c", customer="Ann"
    )
    structlog.get_logger().debug("not shown")
    [line] = capsys.readouterr().err.splitlines()
    shown = json.loads(line)
    assert shown.pop("timestamp").endswith("Z")
    assert shown == {
        "event": "call done",
        "level": "info",
        "command_id": "c",
        "tenant": "uk",
        "xero_correlation_id": "x",
    }
    structlog.get_logger().info("odd", reason="half a pair \ud800")
    assert json.loads(capsys.readouterr().err)["reason"] == "half a pair \ud800"
    structlog.reset_defaults()

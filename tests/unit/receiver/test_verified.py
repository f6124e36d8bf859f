"""Only what is verified is read: the type checker knows, and so does the program.

Each `type: ignore` below is part of the test: mypy refuses one that is not needed, so `make check` fails on the day
when the types would let these through.
"""

import pytest

from connectors.base import HttpRequest, VerifiedBody
from connectors.cloudevents.reading import read
from tests.unit.receiver.support import SHOP

REQUEST = HttpRequest("POST", "/v1/events", (("content-type", "application/cloudevents+json"),), b"{}")


def test_a_request_as_it_came_is_not_read() -> None:
    with pytest.raises(AttributeError):
        read(REQUEST)  # type: ignore[arg-type]  # a request proves nothing by itself


def test_bytes_are_not_read() -> None:
    with pytest.raises(AttributeError):
        read(b"{}")  # type: ignore[arg-type]  # nobody knows who sent them


def test_nothing_is_verified_without_a_verifier() -> None:
    with pytest.raises(TypeError):
        VerifiedBody(REQUEST)  # type: ignore[call-arg]  # that there is no proof cannot be left out


def test_a_verified_body_stays_what_was_verified() -> None:
    verified = VerifiedBody(REQUEST, lambda _: (SHOP,))
    with pytest.raises(AttributeError):
        verified.body = b"[]"  # type: ignore[misc]  # the proof was over other bytes

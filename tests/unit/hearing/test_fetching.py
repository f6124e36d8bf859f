"""Asking an API: only its own address, within limits, and with words that help."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from connectors.fetching import BYTES_MAX, Fetcher, SourceRefused, SourceUnavailable
from tests.unit.hearing.api import Api, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@pytest.fixture
async def fetcher(api: Api) -> AsyncIterator[Fetcher]:
    async with aiohttp.ClientSession() as session:
        yield Fetcher(session, api.url + "/base/", timeout_s=1.0)


async def test_what_is_asked_is_below_the_address_that_is_configured(api: Api, fetcher: Fetcher) -> None:
    api.answers = [web.json_response({"a": 1}), web.json_response([2])]
    assert await fetcher.get("/v1/things", {"q": "a b&c"}, headers={"X-Token": "t"}) == {"a": 1}
    assert await fetcher.post("/v1/things", {"x": "y"}) == [2]
    assert api.asked == ["/base/v1/things?q=a+b%26c", "/base/v1/things"]
    assert api.seen_headers[0]["X-Token"] == "t"
    for elsewhere in ("//evil.example/x", "http://evil.example/x", "things"):
        with pytest.raises(ValueError, match="begins with one slash"):
            await fetcher.get(elsewhere)


async def test_a_redirect_is_not_followed(api: Api, fetcher: Fetcher) -> None:
    api.answers = [web.Response(status=302, headers={"Location": api.url + "/elsewhere"})]
    with pytest.raises(SourceRefused, match="302"):
        await fetcher.get("/x")
    assert api.asked == ["/base/x"]


@pytest.mark.parametrize(("headers", "retry_after_s"), [({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, None)])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_says_when_to_come_again(
    api: Api, fetcher: Fetcher, status: int, headers: dict[str, str], retry_after_s: float | None
) -> None:
    api.answers = [web.Response(status=status, text="too much", headers=headers)]
    with pytest.raises(SourceUnavailable, match=f"{status}.*too much") as caught:
        await fetcher.get("/x")
    assert caught.value.retry_after_s == retry_after_s


@pytest.mark.parametrize(("status", "remedy"), [(401, "token"), (403, "token"), (404, "url")])
async def test_what_does_not_pass_names_the_remedy(api: Api, fetcher: Fetcher, status: int, remedy: str) -> None:
    api.answers = [web.Response(status=status, text="no")]
    with pytest.raises(SourceRefused) as caught:
        await fetcher.get("/x")
    assert remedy in caught.value.remedy


async def test_what_is_not_json_or_too_much_is_no_answer(api: Api, fetcher: Fetcher) -> None:
    api.answers = [web.Response(text="<html>"), web.Response(body=b"x" * (BYTES_MAX + 1))]
    with pytest.raises(SourceUnavailable, match="not JSON"):
        await fetcher.get("/x")
    with pytest.raises(SourceUnavailable, match="more than"):
        await fetcher.get("/x")


async def test_nobody_there_is_no_answer() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await Fetcher(session, "http://127.0.0.1:1").get("/x")

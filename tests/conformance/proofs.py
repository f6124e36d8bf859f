"""The suite's part on who is let in."""

import pytest
from structlog.testing import capture_logs

from connectors.base import Secret
from tests.conformance.case import NOW_S, PUBLIC_URL, Case
from tests.unit.receiver.support import Reply, Running

# What a sender may write to make us believe that it called another address.
PROXY = {
    "Host": "evil.example.net",
    "Forwarded": "host=evil.example.net;proto=https",
    "X-Forwarded-Host": "evil.example.net",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-For": "10.0.0.1",
    "X-Original-URL": "/v1/sources/other",
}


class Proofs(Case):
    """Signatures: good, bad, missing, old, and of others."""

    async def refused(self, receiver: Running, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """Sends the first sample with these headers, which must not be let in, and not be told why."""
        sent = self.samples[0].body if body is None else body
        reply = await self.post(receiver, sent, headers)
        nothing = await self.post(receiver, sent, {"Content-Type": self.content_type})
        assert receiver.metrics.requests[-1][1] == "bad_signature"
        assert (reply.status, reply.body) == (self.unauthentic, nothing.body)
        assert receiver.publisher.records == []
        return reply

    async def test_a_good_signature_is_let_in(self) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            reply = await self.post(receiver, body)
            assert (reply.status, receiver.last) == (self.accepted, (self.source.name, "accepted"))
            assert "Set-Cookie" not in reply.headers
            if self.connector is not None:
                assert (reply.body == b"") is self.connector.answers.empty
                [(topic, key, value, _)] = receiver.publisher.records
                assert (topic, key, value) == ("raw", self.source.name.encode(), body), "kept byte for byte"

    async def test_each_of_two_secrets_holds_while_one_is_replaced(self) -> None:
        assert len(self.source.secrets) == 2, "the case's source needs two secrets"
        body = self.samples[0].body
        async with self.receiver() as receiver:
            for secret in self.source.secrets:
                reply = await self.post(receiver, body, self.headers(body, secret=secret))
                assert reply.status == self.accepted

    async def test_a_missing_signature_is_refused(self) -> None:
        async with self.receiver() as receiver:
            reply = await self.refused(receiver, {"Content-Type": self.content_type})
            assert receiver.last[1] == "bad_signature"
            if self.connector is not None:
                assert (reply.body == b"") is self.connector.answers.empty

    async def test_a_signature_of_another_secret_is_refused(self) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            await self.refused(receiver, self.headers(body, secret=Secret("nobody's secret")))
            assert receiver.metrics.requests[0][1] == "bad_signature"

    async def test_a_signature_of_another_source_is_refused(self) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            await self.refused(receiver, self.headers(body, secret=self.sibling.secrets[0]))

    async def test_a_signature_over_another_body_is_refused(self) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            for other in (body + b" ", body[:-1], self.samples[1].body):
                await self.refused(receiver, self.headers(other))

    async def test_a_token_is_no_signature_at_a_door_for_webhooks(self) -> None:
        assert self.source.tokens, "the case's source needs a token"
        token = {"Content-Type": self.content_type, "Authorization": f"Bearer {self.source.tokens[0].reveal()}"}
        async with self.receiver() as receiver:
            if self.connector is None:
                assert (await self.post(receiver, self.samples[0].body, token)).status == self.accepted
                receiver.publisher.records.clear()
                token["Ledgerstream-Source"] = self.sibling.name
            await self.refused(receiver, token)

    async def test_garbage_in_the_headers_of_the_proof_is_refused(self) -> None:
        body = self.samples[0].body
        good = self.signed(body, self.source.secrets[0], NOW_S, PUBLIC_URL + self.path)
        async with self.receiver() as receiver:
            for name, value in good.items():
                for garbage in ("", "garbage", "0", value[:-1], value.upper() + "x", "x" * 5000, "t=1,v1="):
                    await self.refused(receiver, {**self.headers(body), name: garbage})

    @pytest.mark.parametrize("sign", [-1, 1], ids=["stale", "future"])
    async def test_a_time_that_is_far_from_ours_is_refused(self, sign: int) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            if self.tolerance_s is None:
                # A signature without a time holds for ever: what comes again is known by its event key.
                assert self.headers(body, at=NOW_S + sign * 10_000_000) == self.headers(body)
                return
            await self.refused(receiver, self.headers(body, at=NOW_S + sign * (self.tolerance_s + 1)))
            assert receiver.metrics.requests[0][1] == "stale"
            at = NOW_S + sign * self.tolerance_s
            assert (await self.post(receiver, body, self.headers(body, at=at))).status == self.accepted

    async def test_no_header_of_a_proxy_changes_what_is_believed(self) -> None:
        body = self.samples[0].body
        async with self.receiver() as receiver:
            reply = await self.post(receiver, body, {**self.headers(body), **PROXY})
            assert reply.status == self.accepted, "the address is the configured one, whatever the headers say"
            elsewhere = self.headers(body, url="https://evil.example.net" + self.path)
            if elsewhere != self.headers(body):
                receiver.publisher.records.clear()
                await self.refused(receiver, {**elsewhere, **PROXY})

    async def test_no_secret_is_in_a_log_an_answer_or_a_record(self) -> None:
        body = self.samples[0].body
        with capture_logs() as logs:
            async with self.receiver() as receiver:
                replies = [
                    await self.post(receiver, body),
                    await self.post(receiver, body, self.headers(body, secret=self.sibling.secrets[0])),
                    await self.post(receiver, b"garbage"),
                ]
        assert logs
        shown = f"{logs} {[(reply.headers, reply.body) for reply in replies]} {receiver.publisher.records}"
        config = repr((self.source, self.connector))
        proof = self.signed(body, self.source.secrets[0], NOW_S, PUBLIC_URL + self.path)
        for word in (*(one.reveal() for one in (*self.source.secrets, *self.source.tokens)), *proof.values()):
            assert word not in shown
            assert word not in config

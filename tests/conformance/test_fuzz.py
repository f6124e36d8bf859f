"""Bodies that no source ever sent, wrong before or after they are signed: no forged event, no bug, no 500."""

import asyncio
import contextlib
import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import ApiConfig, Events, HttpRequest, Secret, SourceConfig, Unauthentic, VerifiedBody
from connectors.cloudevents.reading import UnsupportedMediaType, read
from connectors.receiver import Limits
from connectors.registry import REGISTRY
from schemas.codec import Refused
from schemas.commands import Ignored, RefusedEvent
from schemas.envelope import BATCH, STRUCTURED, Envelope
from schemas.events import UnknownType, decode_event
from schemas.raw import RawRecord
from tests.conformance.case import PUBLIC_URL, Case
from tests.conformance.fuzzing import ROOT, mutated, words_of
from tests.conformance.suite import Conformance
from tests.conformance.sweeps import everything
from tests.unit.receiver.support import NOW
from tests.unit.stripe import billing, payloads
from tests.unit.stripe.test_stripe_billing import old_line


def _cases() -> dict[str, Case]:
    """Every class of this folder that runs the suite, so that a new connector is fuzzed without a word here."""
    files = [file.stem for file in sorted(Path(__file__).parent.glob("test_*.py")) if file != Path(__file__)]
    found = [
        value
        for name in files
        for value in vars(import_module(f"tests.conformance.{name}")).values()
        if isinstance(value, type) and issubclass(value, Conformance) and value.__module__.endswith(name)
    ]
    return {case.kind: case() for case in found if "signed" in vars(case)}


CASES = _cases()
# What parses and normalises, where it is not what most connectors call it; the rest of a package (sweep, sandbox) asks
# a network.
PURE = {
    "xero": ("connectors/xero/heard.py", "connectors/xero/verify.py", "connectors/xero/webhook.py"),
    "cloudevents": ("connectors/cloudevents/reading.py",),
}
MOST = ("normalise.py", "verify.py", "told")
SWEPT = [kind for kind, row in REGISTRY.items() if row.sweep is not None]
EXAMPLES_QUICK = 150
EXAMPLES = 60_000
COVERED = 95.0


@dataclass(frozen=True)
class Fuzzed:
    """One body by chance, and whether it was changed after it was signed."""

    body: bytes
    headers: dict[str, str]
    is_forged: bool


def fuzzed(case: Case, chance: random.Random) -> Fuzzed:
    """Half of the bodies are wrong before they are signed, so that they come through the door."""
    bodies = [sample.body for sample in case.samples] + list(case.unknown) + _more(case.kind)
    bodies += [one.body for one in (case.batch, case.test_mode) if one is not None]
    bodies += [case.thin] if case.thin is not None else []
    body = chance.choice(bodies)
    wrong = mutated(body, bodies, words_of(f"connectors/{case.kind}"), chance)
    secret = chance.choice(case.source.secrets)
    # Some libraries sign only text: what is none could not come from that source, and is forged.
    before = chance.random() < 0.5 and _is_text(wrong)
    headers = case.headers(wrong if before else body, secret=secret)
    if chance.random() < 0.1:
        name = chance.choice([one for one in headers if one != "Content-Type"])
        spoilt = {**headers, name: chance.choice(("", "t=1", headers[name] + "0", "t=9,t=9," + headers[name], "é"))}
        if chance.random() < 0.2:
            del spoilt[name]
        return Fuzzed(wrong, spoilt, is_forged=name in _proofs(case, headers) or (not before and wrong != body))
    return Fuzzed(wrong, headers, is_forged=not before and wrong != body)


def _proofs(case: Case, headers: Mapping[str, str]) -> set[str]:
    """The headers that prove something; a source may send others beside them, which nobody signs."""
    return {name for name in headers if any(word in name.lower() for word in ("signature", "hmac"))}


@cache
def _more(kind: str) -> list[bytes]:
    """What the samples do not show: other ends of the same things, and how older API versions wrote them."""
    if kind != "stripe":
        return []
    shipping = {"amount_subtotal": 500, "amount_tax": 100, "amount_total": 600, "taxes": [{"amount": 100, "rate": {}}]}
    things = {
        "refund.failed": payloads.refund(status="failed"),
        "payout.failed": billing.payout(status="failed"),
        "payout.paid": billing.payout(),
        "invoice.paid": billing.invoice(shipping_cost=shipping),
        "invoice.voided": billing.invoice(old_line(), status="void"),
        "invoice.finalized": billing.invoice(old_line(), old_line(4800, 800)),
        "credit_note.created": billing.credit_note(refunds=None, refund="re_1"),
        "charge.dispute.closed": billing.dispute(),
        "charge.succeeded": payloads.charge(currency="isk"),
        "payment_intent.succeeded": payloads.intent(currency="kwd"),
    }
    return [json.dumps(payloads.event(type_, thing)).encode() for type_, thing in things.items()]


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_proven(case: Case, one: Fuzzed) -> bool:
    assert case.connector is not None
    headers = tuple((name.lower(), value) for name, value in one.headers.items())
    request = HttpRequest("POST", case.path, headers, one.body, PUBLIC_URL)
    try:
        case.connector.verify(request, case.source, NOW)
    except Unauthentic:
        return False
    return True


def judge(kind: str, one: Fuzzed) -> None:
    """The body through verify and normalise, as receiver and agent call them."""
    case = CASES[kind]
    assert case.connector is not None
    assert is_proven(case, one) != one.is_forged, one.body
    if one.is_forged:
        return
    kept = {name.lower(): value for name, value in one.headers.items() if name.lower() in case.connector.kept_headers}
    record = RawRecord(source=case.source.name, connector=kind, body=one.body, received_at=NOW, headers=kept)
    config = _another(case.source, one.body)
    told = case.connector.normalise(record, config)
    assert isinstance(told, Events | Ignored | RefusedEvent)
    case.connector.named(record)
    if isinstance(told, RefusedEvent):
        assert told.cause != "bug"
        assert told.evidence.message
        assert told.evidence.remedy
    assert told == case.connector.normalise(record, config), "the same record tells the same"


def _another(source: SourceConfig, body: bytes) -> SourceConfig:
    """The source as it is, or for trying, or with an API that is swept: which, the body decides."""
    draw = random.Random(body)
    api = ApiConfig(url="https://api.example.com", token=Secret("t")) if draw.random() < 0.5 else None
    return dataclasses.replace(source, live=draw.random() < 0.8, api=api)


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind != "cloudevents"])
@settings(max_examples=EXAMPLES_QUICK, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_no_forged_event_and_no_bug(kind: str, chance: random.Random) -> None:
    judge(kind, fuzzed(CASES[kind], chance))


@pytest.mark.parametrize("kind", list(CASES))
async def test_the_receiver_never_answers_500(kind: str) -> None:
    case, chance = CASES[kind], random.Random(20261128)
    limits = Limits()
    async with case.receiver(limits) as receiver:
        for _ in range(EXAMPLES_QUICK):
            one = fuzzed(case, chance)
            before = len(receiver.publisher.records)
            answer = await case.post(receiver, one.body, one.headers)
            assert answer.status < 500, (answer, one.body)
            if one.is_forged:
                assert answer.status == case.unauthentic, (answer, one.body)
                assert len(receiver.publisher.records) == before


@pytest.mark.all
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", list(CASES))
def test_fuzzing_alone_reaches_nearly_every_branch(kind: str, tmp_path: Path) -> None:
    data, report = tmp_path / "coverage", tmp_path / "coverage.json"
    run, include = [sys.executable, "-m", "coverage"], ",".join(_modules(kind))
    shared = [f"--data-file={data}", "--rcfile=/dev/null", f"--include={include}"]
    subprocess.run([*run, "run", "--branch", *shared, "-m", "tests.conformance.test_fuzz", kind], check=True, cwd=ROOT)
    subprocess.run([*run, "json", *shared, "-o", str(report)], check=True, cwd=ROOT)
    found = json.loads(report.read_text())
    missing = {
        name: (file["missing_lines"], file["missing_branches"])
        for name, file in found["files"].items()
        if file["missing_branches"] or file["missing_lines"]
    }
    assert found["totals"]["percent_covered"] >= COVERED, missing


def _modules(kind: str) -> list[str]:
    files = [
        file
        for place in PURE.get(kind, [f"connectors/{kind}/{place}" for place in MOST])
        for file in ((ROOT / place).glob("*.py") if (ROOT / place).is_dir() else [ROOT / place])
    ]
    return [str(file.relative_to(ROOT)) for file in sorted(files)]


async def of_sweeps(kind: str) -> list[RawRecord]:
    """What a sweep of the source's API finds."""
    if kind not in SWEPT:
        return []
    async with CASES[kind].api() as api:
        found, _ = await everything(api)
        return found


def judge_swept(kind: str, found: list[RawRecord], chance: random.Random) -> None:
    """An object of the source's API with something wrong in it: it is proven, but may be anything."""
    case, record = CASES[kind], chance.choice(found)
    assert case.connector is not None
    others = [one.body for one in found]
    wrong = mutated(record.body, others, words_of(f"connectors/{kind}"), chance)
    told = case.connector.normalise(msgspec.structs.replace(record, body=wrong), case.source)
    assert isinstance(told, Events | Ignored | RefusedEvent)
    assert not isinstance(told, RefusedEvent) or (told.cause != "bug" and told.evidence.message)


@pytest.mark.parametrize("kind", SWEPT)
async def test_what_an_api_answers_makes_no_bug(kind: str) -> None:
    found = await of_sweeps(kind)
    for seed in range(EXAMPLES_QUICK):
        judge_swept(kind, found, random.Random(seed))


def judge_cloudevent(chance: random.Random) -> None:
    """A CloudEvent with something wrong in it, in each of the three modes, as the receiver reads it."""
    case = CASES["cloudevents"]
    bodies = [one.body for one in case.samples] + ([case.batch.body] if case.batch else [])
    words = words_of("schemas") + words_of("connectors/cloudevents")
    body = mutated(chance.choice(bodies), bodies, words, chance)
    content_type = chance.choice((STRUCTURED, BATCH, "application/json", f"{STRUCTURED}; charset=utf-8", "text/plain"))
    headers = [("content-type", content_type)]
    if content_type == "application/json":
        headers, body = _binary(json.loads(chance.choice(case.samples).body), words, chance)
    verified = VerifiedBody(HttpRequest("POST", case.path, tuple(headers), body, PUBLIC_URL), lambda _: (case.source,))
    try:
        told = read(verified)
    except (Refused, UnsupportedMediaType):
        return
    for one in told if isinstance(told, tuple) else (told,):
        assert isinstance(one.event, Envelope | Refused)
        if isinstance(one.event, Envelope):
            with contextlib.suppress(Refused, UnknownType):
                decode_event(one.event)


def _binary(event: dict[str, Any], words: Sequence[str], chance: random.Random) -> tuple[list[tuple[str, str]], bytes]:
    data = json.dumps(event.pop("data")).encode()
    headers = [("content-type", "application/json"), *((f"ce-{name}", str(value)) for name, value in event.items())]
    for _ in range(chance.choice((0, 1, 1, 2))):
        at = chance.randrange(len(headers))
        name, value = headers[at]
        strange = (chance.choice(words), '"quoted \\" text"', "%C3%A9", "%FF", value + " ", "\udcff", "")
        headers[at] = (chance.choice((name, "ce-" + chance.choice(words))), chance.choice(strange))
        headers += [headers[at]] if chance.random() < 0.2 else []
    return headers, mutated(data, [data], words, chance)


@settings(max_examples=EXAMPLES_QUICK, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_no_cloudevent_makes_a_bug(chance: random.Random) -> None:
    judge_cloudevent(chance)


def main(kind: str) -> None:
    """Many bodies, with a seed of their own each, so that one that fails can be had again."""
    found = asyncio.run(of_sweeps(kind))
    for seed in range(EXAMPLES):
        try:
            if kind == "cloudevents":
                judge_cloudevent(random.Random(seed))
            elif found and seed % 2:
                judge_swept(kind, found, random.Random(seed))
            else:
                judge(kind, fuzzed(CASES[kind], random.Random(seed)))
        except Exception as error:
            raise SystemExit(f"{kind}, seed {seed}: {error!r}") from error


if __name__ == "__main__":
    main(sys.argv[1])

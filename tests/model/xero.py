"""The abstract Xero: keys that live six minutes, limits, and a fate for each call. It knows nothing of the sender.

Facts 1 to 3. Time is the model's own clock; whatever happens later (late commits) waits in a list until time passes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from connectors.xero.ticket import Answer, XeroRequest
from tests.model import reading
from tests.model.books import IDS, Books, Document
from tests.model.fates import GOOD, Fate
from tests.support.clock import ManualClock

KEY_LIFE_S: Final = 360.0
MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0
MINUTE_CALLS: Final = 60
CONCURRENT_CALLS: Final = 5
SLOW_S: Final = 20.0
TIMEOUT_S: Final = 30.0
NEVER: Final = float("inf")
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(slots=True)
class Key:
    """The first call of an idempotency key. `answer` is None as long as that call is at work."""

    request: tuple[str, str, bytes]
    first_at: float
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as the connection shows it: an answer (None: it broke) after `seconds`; never if that is infinite."""

    answer: Answer | None
    seconds: float


@dataclass(slots=True)
class Traffic:
    """What arrived: moments by the model's clock, calls under way with who sent them, and what must not have been:
    refusals that the sender earned, two senders at once, a key for two requests."""

    arrivals: list[float] = field(default_factory=list)
    under_way: list[tuple[float, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Xero:
    """One organisation. `fates` befall the next writes, `read_fates` the next reads, in their order."""

    def __init__(
        self,
        clock: ManualClock,
        kept: Callable[[str, Document], None],
        *,
        key_in_flight: Literal["409", "400"] = "409",
        phase_s: float = 0.0,
        day_calls: int | None = None,
    ) -> None:
        self.books = Books(kept, clock.now)
        self.traffic = Traffic()
        self.fates: deque[Fate] = deque()
        self.read_fates: deque[Fate] = deque()
        self.is_connected = True
        self._clock = clock
        self._key_in_flight = key_in_flight
        self._phase_s = phase_s
        self._day_calls = day_calls
        self._keys: dict[str, Key] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []

    def receive(self, request: XeroRequest, sender: str = "") -> Exchange:
        """A call arrives."""
        fates = self.read_fates if request.method == "GET" else self.fates
        fate = fates.popleft() if fates else GOOD
        now = self._clock.elapsed()
        self._count(now, sender)
        exchange = self._exchange(request, fate)
        # A connection that shows nothing is given up by the sender, and then it no longer counts as one.
        self.traffic.under_way.append((now + min(exchange.seconds, TIMEOUT_S), sender))
        if exchange.answer is None or self._day_calls is None:
            return exchange
        return Exchange(msgspec.structs.replace(exchange.answer, **self._left(now)), exchange.seconds)

    def _left(self, now: float) -> dict[str, int]:
        """The headers of an answer, for windows that roll."""
        arrivals = self.traffic.arrivals
        minute = sum(at > now - MINUTE_S for at in arrivals[-MINUTE_CALLS:])
        day = sum(at > now - DAY_S for at in arrivals)
        return {"minute_remaining": MINUTE_CALLS - minute, "day_remaining": (self._day_calls or 0) - day}

    def pass_time(self) -> None:
        """Let what is due happen. Called whenever the clock has moved."""
        now = self._clock.elapsed()
        for due, commit in sorted(self._later, key=lambda one: one[0]):
            if due <= now:
                commit()
        self._later = [one for one in self._later if one[0] > now]

    def late_commits(self) -> list[float]:
        """When what is still at work will happen."""
        return sorted(due for due, _ in self._later)

    def _count(self, now: float, sender: str) -> None:
        """Whether this call goes beyond a limit, with a window that is fixed or one that rolls."""
        arrivals, traffic = self.traffic.arrivals, self.traffic
        traffic.under_way = [one for one in traffic.under_way if one[0] > now]
        rolling = sum(at > now - MINUTE_S for at in arrivals)
        start = (now + self._phase_s) // MINUTE_S * MINUTE_S - self._phase_s
        fixed = sum(at >= start for at in arrivals)
        for is_over, name in (
            (rolling >= MINUTE_CALLS, "rolling minute"),
            (fixed >= MINUTE_CALLS, "fixed minute"),
            (len(traffic.under_way) >= CONCURRENT_CALLS, "concurrent"),
            (any(other != sender for _, other in traffic.under_way), "two senders at once"),
        ):
            if is_over:
                traffic.wrong.append(f"{name} at {now}")
        arrivals.append(now)

    def _exchange(self, request: XeroRequest, fate: Fate) -> Exchange:
        refusal = self._refusal(fate)
        if refusal is not None:
            return Exchange(refusal, 0.0)
        if request.method == "GET":
            return _seen(fate, self._read(request))
        known = self._known(request)
        if known is not None:
            return _seen(Fate(reply=fate.reply if fate.reply in ("slow", "lost", "drop") else "ok"), known)
        if fate.commit == "never" and fate.reply in ("drop", "lost", "502"):
            # It did not get as far as Xero's own machines.
            return _seen(fate, _answer(502))
        key = self._keys[request.idempotency_key or ""] = Key(_print(request), self._clock.elapsed())
        if fate.commit == "late":
            self._later.append((self._clock.elapsed() + fate.late_s, lambda: self._carry_out(request, fate, key)))
        else:
            self._carry_out(request, fate, key)
        return _seen(fate, key.answer or _answer(502))

    def _refusal(self, fate: Fate) -> Answer | None:
        """What comes before a key is looked at, and proves that nothing was done."""
        if not self.is_connected or fate.reply == "403":
            self.is_connected = False
            return _answer(403, {"Detail": "AuthenticationUnsuccessful"})
        if fate.reply == "401":
            return _answer(401, {"Detail": "TokenExpired: token expired at 11/24/2026 08:23:47"})
        if fate.reply == "429":
            return Answer(status=429, body=b"", retry_after_s=fate.late_s, rate_limit_problem="minute")
        if fate.reply == "503":
            return Answer(status=503, body=b"The Organisation is offline", content_type="text/plain")
        return None

    def _known(self, request: XeroRequest) -> Answer | None:
        """The answer that the key's first call got, if it is still remembered."""
        key = self._keys.get(request.idempotency_key or "")
        if key is None or self._clock.elapsed() >= key.first_at + KEY_LIFE_S:
            return None
        if key.request != _print(request):
            self.traffic.wrong.append(f"one key for two requests: {request.idempotency_key}")
            return _answer(400, {"Message": "The Idempotency-Key is used with a different request."})
        if key.answer is None:
            words = {"Message": "A request with this Idempotency-Key is still in progress."}
            return _answer(int(self._key_in_flight), words)
        return key.answer

    def _carry_out(self, request: XeroRequest, fate: Fate, key: Key) -> None:
        resource, _, xero_id = request.path.strip("/").partition("/")
        body = _decoder.decode(request.body)
        elements = [{**body, IDS[resource]: xero_id}] if xero_id else body[resource]
        count = {"half": (len(elements) + 1) // 2, "never": 0}.get(fate.commit, len(elements))
        is_create = request.method == "PUT"
        found = [self.books.apply(resource, element, create=is_create) for element in elements[:count]]
        is_failed = fate.reply == "500" or fate.commit == "half"
        key.answer = _answer(500, {"Message": "An error occurred"}) if is_failed else _answer(200, {resource: found})

    def _read(self, request: XeroRequest) -> Answer:
        resource, _, xero_id = request.path.strip("/").partition("/")
        if xero_id:
            document = reading.one(self.books, resource, xero_id)
            return _answer(404) if document is None else _answer(200, {resource: [document]})
        found = reading.listed(self.books, resource, dict(request.query), request.modified_since)
        return _answer(200, {resource: found})


def _seen(fate: Fate, answer: Answer) -> Exchange:
    """What the sender gets to see of it."""
    if fate.reply in ("drop", "lost"):
        return Exchange(None, 0.0 if fate.reply == "drop" else NEVER)
    if fate.reply in ("500", "502"):
        answer = _answer(int(fate.reply), {"Message": "An error occurred"})
    return Exchange(answer, SLOW_S if fate.reply == "slow" else 0.0)


def _print(request: XeroRequest) -> tuple[str, str, bytes]:
    return request.method, request.path, request.body


def _answer(status: int, body: Any = None) -> Answer:
    content = b"" if body is None else _encoder.encode(body)
    return Answer(status=status, body=content, content_type="application/json", correlation_id="model")

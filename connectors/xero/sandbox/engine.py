"""The parts of one sandbox, put together; the HTTP layers work on this."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from connectors.xero.sandbox.books.call import Call
from connectors.xero.sandbox.books.tables import Book
from connectors.xero.sandbox.calls import CallLog
from connectors.xero.sandbox.clock import Clock
from connectors.xero.sandbox.faults import Faults
from connectors.xero.sandbox.keys import Keys
from connectors.xero.sandbox.limits import Limits
from connectors.xero.sandbox.oauth import Credentials, OAuth
from connectors.xero.sandbox.switches import Switches
from connectors.xero.sandbox.webhooks.events import events_of
from connectors.xero.sandbox.webhooks.webhook import Webhook

# Where Xero's own events say that the resources are; a sandbox that is served says its own address.
_API_URL: Final = "https://api.xero.com/api.xro/2.0"


class Engine:
    """State and settings. `speed` lets the windows of the limits, and nothing else, run that many times faster.

    Tokens, idempotency keys and faults keep the clock's own pace: what a client may rely on when it retries must not
    shrink because a demo is in a hurry.
    """

    def __init__(
        self,
        *,
        books: Iterable[Book],
        credentials: Credentials,
        clock: Clock,
        switches: Switches,
        speed: float,
        new_id: Callable[[], str],
    ) -> None:
        self.clock = clock
        self.switches = switches
        self.speed = speed
        self.new_id = new_id
        self.books = {book.organisation.tenant_id: book for book in books}
        self.limits = Limits()
        self.keys = Keys()
        self.faults = Faults()
        self.calls = CallLog()
        names = {tenant_id: book.organisation.name for tenant_id, book in self.books.items()}
        self.oauth = OAuth(credentials, names, new_id)
        self.oauth.connect(list(names), clock.now(), new_id())
        self.webhook = Webhook(clock, new_id, lambda: self.switches, lambda: self.closing.is_set())
        self.api_url = _API_URL
        self.closing = asyncio.Event()
        # Commits that come after their answer.
        self.late: set[asyncio.Task[None]] = set()
        self.changed_keys: set[str] = set()
        self.changed_organisations: set[str] = set()

    def limit_seconds(self) -> float:
        """Now, at the pace of the limits."""
        return self.clock.seconds() * self.speed

    def call(self, book: Book, client_id: str = "") -> Call:
        """A call that no client made: a person at the screen."""
        return Call(book=book, switches=self.switches, now=self.now(), new_id=self.new_id, client_id=client_id)

    def now(self) -> datetime:
        """Milliseconds are all that Xero's notation holds."""
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def notice(self, book: Book) -> None:
        """Let the webhook know what the call that has just ended changed in `book`."""
        tenant_id = book.organisation.tenant_id
        if self.webhook.subscription is not None and tenant_id in self.oauth.state.connections:
            self.webhook.gather(events_of(book.changes(), tenant_id, self.api_url, self.now(), self.switches))

    def change_organisation(self, book: Book, **changes: object) -> None:
        """Settings that a person changes on the screen."""
        book.organisation = msgspec.structs.replace(book.organisation, updated=self.now(), **changes)
        self.changed_organisations.add(book.organisation.tenant_id)

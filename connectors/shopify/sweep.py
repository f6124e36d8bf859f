"""What changed in a shop, asked of its GraphQL Admin API, since webhooks may be lost, late, or deleted by Shopify.

A round goes through the lists of `connectors.shopify.queries` one after the other, each up to the same time. Its cursor
is a JSON text: from when to when, which list, and where in it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from connectors.base import SourceConfig
from connectors.fetching import Fetcher, SourceUnavailable
from connectors.shopify import queries
from connectors.shopify.admin import Admin, Denied, inner
from connectors.shopify.queries import RESOURCES
from connectors.sweeping import FIRST_LOOK, Page, Subscription, foreign
from schemas.codec import canonical, shorten
from schemas.events.fields import Instant
from schemas.raw import RawRecord

_NAMES: Final = tuple(RESOURCES)


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sweep is. Between two rounds only `since` is set."""

    since: Instant
    until: Instant | None = None
    resource: str = _NAMES[0]
    after: str | None = None


_read_place = msgspec.json.Decoder(_Place).decode


class ShopifySweeper:
    """One shop; see connectors.sweeping.Sweeper."""

    def __init__(self, config: SourceConfig, fetcher: Fetcher) -> None:
        if config.api is None:
            raise ValueError(f"{config.name} has no api: a sweep needs its address and token")
        self._source = config.name
        self._admin = Admin(fetcher, config.api.token)
        # The lists that the token may not read, with the scope that is missing.
        self._denied: dict[str, str] = {}

    async def page(self, cursor: str | None, until: datetime) -> Page:
        """One page of one list; an order with more than its first lines takes further questions."""
        place = _place(cursor, until)
        # A round that was interrupted goes on up to the time that it began with, so that its lists fit together.
        ends = place.until or until
        nodes, after = await self._nodes(place, ends)
        records = tuple(self._record(node, place.resource, until) for node in nodes)
        if after is not None:
            return Page(records=records, cursor=_text(place, until=ends, after=after), more=True)
        following = _following(place, ends)
        if following is None:
            return Page(records=records, cursor=_text(_Place(since=ends)))
        return Page(records=records, cursor=_text(place, until=ends, resource=following, after=None), more=True)

    async def _nodes(self, place: _Place, ends: datetime) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        resource = RESOURCES[place.resource]
        begins = place.since - resource.back
        wanted = f"{resource.by}:>='{_moment(begins)}' {resource.by}:<'{_moment(ends)}'"
        try:
            answer = await self._admin.ask(resource.query, query=wanted, after=place.after)
        except Denied:
            if place.resource == _NAMES[0]:
                raise
            # The orders are swept all the same: a round that ended here would never come to them again. `subscription`
            # says what is not read.
            self._denied[place.resource] = resource.scope
            return (), None
        self._denied.pop(place.resource, None)
        listed = inner(answer, *resource.path)
        if listed is None and resource.daily:
            return (), None  # no account with Shopify Payments
        nodes, after = _listed(listed, place.resource)
        if place.resource == "orders":
            nodes = [await self._whole(node) for node in nodes]
        return nodes, after

    async def _whole(self, order: Mapping[str, Any]) -> Mapping[str, Any]:
        """The order with everything that did not fit into the list."""
        found, identity = dict(order), str(inner(order, "id"))
        lines, after = _listed(inner(order, "lineItems"), "lineItems")
        while after is not None:
            answer = await self._admin.ask(queries.LINES, id=identity, after=after)
            further, after = _listed(inner(answer, "order", "lineItems"), "lineItems")
            lines = [*lines, *further]
        found["lineItems"] = {"nodes": lines}
        refunds, transactions = inner(order, "refunds") or [], inner(order, "transactions") or []
        if len(refunds) >= queries.REFUNDS or len(transactions) >= queries.TRANSACTIONS:
            money = await self._admin.ask(queries.MONEY, id=identity)
            refunds = [
                {"id": inner(one, "id"), "refundLineItems": None} for one in inner(money, "order", "refunds") or []
            ]
            found["transactions"] = inner(money, "order", "transactions")
        found["refunds"] = [
            inner(await self._admin.ask(queries.REFUND, id=inner(one, "id")), "refund") if _is_cut(one) else one
            for one in refunds
        ]
        return found

    def _record(self, node: Mapping[str, Any], swept: str, at: datetime) -> RawRecord:
        return RawRecord(
            source=self._source,
            connector="shopify",
            body=canonical(node),
            received_at=at,
            content_type="application/json",
            swept=swept,
        )

    async def subscription(self) -> Subscription | None:
        """Whether Shopify still has our subscriptions: it deletes one whose deliveries failed for four hours.

        What is missing is made again where one that is left tells our address; else a person has to say it.
        """
        there = await self._subscribed()
        unread = [f"{name} are not swept: give the app the scope {scope}" for name, scope in self._denied.items()]
        if not there:
            words = f"Shopify has no webhook for /v1/sources/{self._source}: make them as deploy/docs/shopify.md shows"
            return Subscription(active=False, words="; ".join([words, *unread]))
        missing = [topic for topic in (*queries.NEEDED, *queries.WANTED) if topic not in there]
        refused = {topic: why for topic in missing if (why := await self._subscribe(topic, next(iter(there.values()))))}
        made = len(missing) - len(refused)
        words = f"{made} webhooks that were missing were made again" if made else "every webhook is there"
        if refused and not made:
            words = f"{len(refused)} webhooks are missing"
        return Subscription(
            active=not any(topic in refused for topic in queries.NEEDED),
            words="; ".join([words, *refused.values(), *unread]),
            repaired=made > 0,
        )

    async def _subscribed(self) -> dict[str, str]:
        """The topics that are told to us, with our address."""
        there: dict[str, str] = {}
        after: str | None = None
        while True:
            answer = await self._admin.ask(queries.SUBSCRIPTIONS, after=after)
            nodes, after = _listed(inner(answer, "webhookSubscriptions"), "webhookSubscriptions")
            for node in nodes:
                topic, uri = str(inner(node, "topic")), str(inner(node, "uri"))
                if uri.endswith(f"/v1/sources/{self._source}"):
                    there[topic] = uri
            if after is None:
                return there

    async def _subscribe(self, topic: str, uri: str) -> str | None:
        """Why Shopify does not make the subscription, or None once it has."""
        made = inner(await self._admin.ask(queries.SUBSCRIBE, topic=topic, uri=uri), "webhookSubscriptionCreate")
        if inner(made, "webhookSubscription") is not None:
            return None
        return f"{topic} cannot be made: {shorten(inner(made, 'userErrors'))}"


def _place(cursor: str | None, until: datetime) -> _Place:
    if cursor is None:
        return _Place(since=until - FIRST_LOOK)
    try:
        place = _read_place(cursor)
    except msgspec.DecodeError:
        place = None
    if place is None or place.resource not in RESOURCES:
        raise foreign(cursor)
    return place


def _text(place: _Place, **changes: Any) -> str:
    return msgspec.json.encode(msgspec.structs.replace(place, **changes)).decode()


def _following(place: _Place, ends: datetime) -> str | None:
    """The next list of this round. Those that tell no changes are read in the first round of a day."""
    is_new_day = place.since.astimezone(UTC).date() < ends.astimezone(UTC).date()
    later = _NAMES[_NAMES.index(place.resource) + 1 :]
    return next((name for name in later if is_new_day or not RESOURCES[name].daily), None)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _listed(connection: Any, path: str) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """The nodes of a connection, and the cursor behind them if there are more."""
    nodes = inner(connection, "nodes")
    if not isinstance(nodes, list):
        raise SourceUnavailable(f"Shopify answered {shorten(connection)} where {path} were asked for")
    after = inner(connection, "pageInfo", "endCursor") if inner(connection, "pageInfo", "hasNextPage") else None
    return nodes, after


def _is_cut(refund: Any) -> bool:
    """Whether there is more of the refund than was read."""
    parts = ("refundLineItems", "refundShippingLines", "transactions")
    return any(inner(refund, part) is None or inner(refund, part, "pageInfo", "hasNextPage") is True for part in parts)

"""How the sandbox's webhook misbehaves by order of a test."""

from tests.contract.xero_sandbox.ear import line, until


async def test_lost_ones_leave_a_gap() -> None:
    async with line() as talk:
        assert (await talk.wire.admin("POST", "/webhooks/orders", {"lose": 2})).json["lose"] == 2
        await talk.sent("Ann", "Bea", "Cid")
        assert talk.ear.spans == [(3, 3)]
        state = await talk.state()
        assert [(row["progress"], len(row["tries"])) for row in state["deliveries"]] == [
            ("lost", 0),
            ("lost", 0),
            ("delivered", 1),
        ]
        assert state["orders"]["lose"] == 0


async def test_doubled_ones_come_twice_with_the_same_bytes() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"double": 1})
        talk.ear.posts.clear()
        await talk.sent("Ann")
        await until(lambda: talk.ear.spans == [(1, 1), (1, 1)])
        assert talk.ear.posts[0].body == talk.ear.posts[1].body
        await talk.sent("Bea")
        assert talk.ear.spans == [(1, 1), (1, 1), (2, 2)]


async def test_reordered_ones_come_last_first() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 3})
        for name in ("Ann", "Bea", "Cid"):
            await talk.contact(name)
            await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        await until(lambda: talk.ear.spans == [(3, 3), (2, 2), (1, 1)])
        await talk.sent("Dee")
        assert talk.ear.spans[-1] == (4, 4)


async def test_what_is_held_is_sent_when_a_test_is_done_with_it() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 9})
        for name in ("Ann", "Bea"):
            await talk.contact(name)
            await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        assert [row["progress"] for row in (await talk.state())["deliveries"]] == ["held", "held"]
        await talk.contact("Cid")
        assert [row["number"] for row in await talk.deliver()] == [3, 2, 1]
        assert talk.ear.spans == [(3, 3), (2, 2), (1, 1)]


async def test_delayed_ones_are_overtaken() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"delay_s": 30})
        await talk.sent("Ann", "Bea")
        assert talk.ear.spans == [(2, 2)]
        await talk.after(30, lambda: talk.ear.spans == [(2, 2), (1, 1)])


async def test_what_is_held_goes_with_the_subscription() -> None:
    async with line() as talk:
        await talk.wire.admin("POST", "/webhooks/orders", {"reorder": 9})
        await talk.contact("Ann")
        await talk.after(1, lambda: talk.sandbox.webhook.shown()["gathered"] == 0)
        await talk.wire.admin("DELETE", "/webhooks")
        await talk.subscribe()
        assert await talk.deliver() == []
        assert (talk.ear.spans, (await talk.state())["deliveries"][0]["progress"]) == ([], "dropped")

"""What the model found once, each as the shortest story that shows it."""

from tests.model.fates import Fate
from tests.model.stories import settled
from tests.model.world import World


async def test_a_worker_without_the_lease_waits_between_two_questions_for_it(world: World) -> None:
    """Woken once, it used to ask the ledger again and again without a pause."""
    await world.start()
    await world.start()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    await settled(world)


async def test_a_payment_that_was_made_after_the_backup_is_found_and_not_made_again(world: World) -> None:
    """A restored ledger used to ask Xero for a payment without an id, which shows nothing."""
    await world.start()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    await world.back_up()
    await world.feed(world.shop.payment("1001", 1))
    await world.feed(world.shop.refund("1001"))
    assert len(world.xero.books.tables["Payments"]) == 2
    await world.restore()
    await world.start()
    await settled(world)
    assert len(world.xero.books.tables["Payments"]) == 2


async def test_nothing_is_sent_again_under_a_key_that_died_while_a_slot_was_waited_for(world: World) -> None:
    """The resend was decided in time; then Xero asked to wait for longer than a key lives."""
    await world.start()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    world.xero.fates.extend([Fate("now", "drop"), Fate("never", "429", late_s=400.0)])
    await world.feed(world.shop.payment("1001", 1))
    for seconds in (1.0, 1.0, 5.0, 20.0, 410.0, 61.0):
        await world.advance(seconds)
    world.check_always()
    await settled(world)


async def test_an_older_version_that_stands_after_a_backup_was_put_back_is_updated(world: World) -> None:
    """Found by its mark it used to count for the newest version, which then was never sent."""
    await world.start()
    await world.back_up()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    await world.kill(world.owners[0])
    await world.feed(world.shop.order("1001", 2, "12.00"))
    await world.restore()
    await world.start()
    await settled(world)
    [invoice] = world.xero.books.tables["Invoices"].values()
    assert invoice["Reference"].startswith("1001 v2 ")


async def test_what_was_sent_after_the_backup_is_called_off_by_a_cancellation(world: World) -> None:
    """The cancellation used to end with "there is no invoice", and nobody looked for one."""
    await world.start()
    await world.back_up()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    await world.kill(world.owners[0])
    await world.feed(world.shop.cancel("1001", 2))
    await world.restore()
    await world.start()
    await settled(world)
    [invoice] = world.xero.books.tables["Invoices"].values()
    assert invoice["Status"] == "VOIDED"


async def test_a_contact_that_a_restored_ledger_finds_under_its_alias_can_be_changed(world: World) -> None:
    """It used to look as if a person had given it that name."""
    await world.start()
    # The customers of these two have one name.
    await world.feed(world.shop.order("1002", 1, "10.00"))
    await world.back_up()
    await world.feed(world.shop.order("1003", 1, "10.00"))
    await world.restore()
    await world.start()
    await world.drain()
    await world.feed(world.shop.customer("b", 1))
    await settled(world)
    assert await world.ledger.questions.list() == []


async def test_a_contact_that_was_named_by_its_alias_after_the_backup_can_be_changed(world: World) -> None:
    """The version that stands was looked for under its own name only, so its alias counted as a person's edit."""
    await world.start()
    await world.feed(world.shop.order("1002", 1, "10.00"))
    await world.back_up()
    await world.feed(world.shop.order("1003", 1, "10.00"))
    await world.kill(world.owners[0])
    await world.feed(world.shop.customer("b", 1))
    await world.restore()
    await world.start()
    await settled(world)
    assert await world.ledger.questions.list() == []


async def test_a_restored_ledger_knows_which_version_stands_while_a_person_decides(world: World) -> None:
    """The audit used to say that nothing tells what was posted."""
    await world.start()
    await world.back_up()
    await world.feed(world.shop.order("1001", 1, "10.00"))
    await world.feed(world.shop.payment("1001", 1))
    await world.kill(world.owners[0])
    await world.feed(world.shop.order("1001", 2, "30.00"))
    await world.restore()
    await world.start()
    await settled(world)
    assert [one.kind for one in await world.ledger.questions.list()] == ["changed_after_payment"]

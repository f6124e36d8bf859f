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

"""Each thing that the tables themselves do not allow, whatever the code believes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from streams.ledger import Ledger
from tests.support.ledger import contact, invoice, of, opened, order_placed, post_all, refused, take_in


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """Something posted, something sent, something refused, something pending."""
    await take_in(ledger, order_placed("e1", "1001", 0))
    await post_all(ledger)
    await take_in(ledger, of(invoice("e2", "2002"), 1), of(contact("e3", "c3"), 2), refused("e4", 3), at=1)
    await opened(ledger, "shop-1:e2#invoice")
    return ledger


WRONG = {
    "an event twice": "INSERT INTO events SELECT * FROM events LIMIT 1",
    "two events of one record": "UPDATE events SET \"offset\" = 0, topic = 'events.orders', partition = 0",
    "a command twice": "UPDATE commands SET command_id = 'x'",
    "a state that nobody knows": "UPDATE commands SET state = 'lost'",
    "a command of no event": "UPDATE commands SET event_key = 'nowhere'",
    "ready without an organisation": "UPDATE commands SET tenant = NULL WHERE ready_since IS NOT NULL",
    "ready when it is done": "UPDATE commands SET ready_since = changed_at, due_at = changed_at WHERE state = 'posted'",
    "ready without being due": "UPDATE commands SET due_at = NULL WHERE ready_since IS NOT NULL",
    "two on their way in one lane": "UPDATE commands SET state = 'sent', entity_key = 'e', tenant = 'uk', "
    "ready_since = NULL, due_at = NULL WHERE kind = 'UpsertInvoice'",
    "one command current for two effects": "UPDATE effects SET current_command = 'shop-1:e1#invoice'",
    "one document of two facts": "UPDATE effects SET tenant = 'uk', resource = 'Invoices', xero_id = 'x'",
    "a link without an organisation": "UPDATE effects SET tenant = NULL WHERE xero_id IS NOT NULL",
    "a document of no kind": "UPDATE effects SET resource = NULL WHERE xero_id IS NOT NULL",
    "one command in two open calls": "INSERT INTO writes SELECT 1, 99, command_id, effect_key, resource, element, "
    "step, number, NULL FROM writes WHERE result IS NULL",
    "one key for two writes": "UPDATE calls SET idempotency_key = 'k'",
    "a write without a key": "UPDATE calls SET idempotency_key = NULL",
    "closed at no time": "UPDATE calls SET state = 'closed', closed_at = NULL",
    "a purpose that nobody knows": "UPDATE calls SET purpose = 'guess'",
    "one number for two changes": "UPDATE transitions SET number = 1",
    "two open letters of one subject": "INSERT INTO dead_letters SELECT 'other', subject, command_id, event_key, "
    "entity_key, tenant, source, kind, cause, stage, evidence, event_time, sequence, topic, partition, "
    '"offset", timestamp_ms, '
    "key, value, headers, attempts, first_failed_at, last_failed_at, replay_count, replay_of, edited_by, "
    "idempotency_key, "
    "trace_id, state, closed_at, closed_by, closed_reason, failure FROM dead_letters",
    "a second ledger in one file": "INSERT INTO ledger SELECT 2, ledger_id, created_at, last_call, app_not_before, "
    "restored_at FROM ledger",
}


@pytest.mark.parametrize("statement", WRONG.values(), ids=WRONG)
async def test_the_tables_do_not_allow(filled: Ledger, statement: str) -> None:
    with pytest.raises(IntegrityError):
        async with filled._store.write() as connection:
            await connection.execute(text(statement))
    assert (await filled.audits.audit()).problems == ()

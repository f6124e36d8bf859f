"""How soon each class of command should be sent (design section 7.1).

A command is due at ready since + the target of its class; what others build on takes the most urgent of theirs. So
nothing starves, and no class waits for the end of another.
"""

from typing import Final

_MINUTE: Final = 60
PERSON_S: Final = 0
# What is read to hear what changed in Xero: named documents, and lists.
READ_S: Final = 5 * _MINUTE
BACKFILL_S: Final = 15 * _MINUTE

_TARGET_S: Final = {
    "RecordPayment": 1 * _MINUTE,
    "ReversePayment": 1 * _MINUTE,
    "RecordRefund": 1 * _MINUTE,
    "UpsertInvoice": 2 * _MINUTE,
    "CancelInvoice": 2 * _MINUTE,
    "UpsertCreditNote": 2 * _MINUTE,
    "AllocateCredit": 2 * _MINUTE,
    "RecordSpend": 2 * _MINUTE,
    "RecordReceive": 2 * _MINUTE,
    "RecordTransfer": 2 * _MINUTE,
    "UpsertContact": 5 * _MINUTE,
}


def target_s(kind: str) -> int:
    """Within how many seconds after it is ready a command of this kind should be sent."""
    return _TARGET_S[kind]

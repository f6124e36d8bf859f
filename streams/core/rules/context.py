"""What every rule is given, and the small things that several rules do."""

import contextlib
import datetime as dt
from typing import Final

import msgspec

from schemas import keys
from schemas.commands import AnyPayload, Command
from schemas.envelope import Envelope
from streams.core.refusal import Unbookable
from streams.core.tenants import Tenants

REFERENCE_CHARACTERS_MAX: Final = 255
NUMBER_CHARACTERS_MAX: Final = 255
_YEARS: Final = range(1970, 3000)


class Context(msgspec.Struct, frozen=True):
    """One event on its way through a rule. `entity` is its entity key, `time` its business time in UTC."""

    envelope: Envelope
    entity: str
    time: dt.datetime
    tenants: Tenants

    @property
    def sequence(self) -> int:
        """The source's own version of the entity; without one, the event's time in microseconds."""
        return sequence_of(self.envelope, self.time)

    def command(
        self,
        role: str,
        payload: AnyPayload,
        *,
        tenant: str | None,
        effect: str,
        depends_on: tuple[str, ...] = (),
        sequence: int | None = None,
    ) -> Command:
        """A command of this event in the role `role`, for the effect key `effect`."""
        return Command(
            command_id=keys.command_id(self.envelope.key, role),
            effect_key=effect,
            entity_key=keys.entity_of_effect(effect),
            tenant=tenant,
            payload=payload,
            depends_on=depends_on,
            sequence=sequence,
        )


def sequence_of(envelope: Envelope, time: dt.datetime) -> int:
    """What orders the states of one entity: the source's own version, else the event's time in microseconds."""
    if envelope.sequence is not None:
        return int(envelope.sequence)
    return int(time.timestamp()) * 1_000_000 + time.microsecond


def local_date(moment: dt.datetime, zone: dt.tzinfo, field: str) -> dt.date:
    """The date that a moment has where the organisation is: its tax date. `field` is where the event says it.

    Unbookable for a date that no books have: 0001-01-01 is how some languages write that there is none.
    """
    with contextlib.suppress(OverflowError):
        date = moment.astimezone(zone).date()
        if date.year in _YEARS:
            return date
    raise Unbookable(
        field,
        moment.isoformat(),
        f"A document is dated between {_YEARS.start} and {_YEARS.stop - 1}.",
        "Have the source send it again with its real date, under a new id, and discard this one.",
    )


def reference(words: str, effect: str) -> str:
    """A reference that people can read and that carries our mark: "1001 ABCDEFGHIJKL"."""
    mark = keys.mark(effect)
    return f"{words[: REFERENCE_CHARACTERS_MAX - len(mark) - 1].rstrip()} {mark}"


def document_number(prefix: str, number: str, field: str) -> str:
    """Prefix and number. Xero takes lists of numbers separated by commas, so a number must not hold one."""
    whole = prefix + number.strip()
    if "," in whole or len(whole) > NUMBER_CHARACTERS_MAX or any(ord(letter) < 32 for letter in whole):
        raise Unbookable(
            field,
            number,
            f"A document number has at most {NUMBER_CHARACTERS_MAX} characters, no comma and no control character.",
            "Send the event again with another number, in a new event of its own id.",
        )
    return whole


def one_line(text: str) -> str:
    """White space folded: Xero takes names that differ in blanks only for different ones."""
    return " ".join(text.split())

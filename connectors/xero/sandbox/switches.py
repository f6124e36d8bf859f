"""Every point on which the sources about Xero disagree, or say nothing, as a position that a test can choose.

A client is right when it survives every position. The defaults are what the better source says.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Final, Literal, get_args, get_origin

# The numbers on which sources disagree, with what each of them says.
_NUMBERS: Final = {
    "day_limit": (1_000, 5_000),
    "body_bytes_max": (3_500_000, 10_000_000),
    "refresh_grace_s": (0, 1_800),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """One set of positions. Change it with `changed`, which checks names and values."""

    # Limits. Official text says "fixed window"; older text and several clients say rolling.
    window: Literal["fixed", "rolling"] = "fixed"
    minute_limit: int = 60
    # 1,000 on the Starter plan, 5,000 above.
    day_limit: int = 5_000
    concurrent_limit: int = 5
    app_minute_limit: int = 10_000
    # Whether a refused call uses up quota too.
    throttled_calls_count: bool = False
    # Some recorded minute refusals leave the day header out.
    day_header_on_minute_429: bool = True
    app_minute_word: Literal["appminute", "app-minute"] = "appminute"
    # 3.5 MB in the long-standing text, 10 MB in the limits page of 2026.
    body_bytes_max: int = 10_000_000

    # Idempotency keys.
    key_life_s: int = 360
    key_scope: Literal["app", "tenant"] = "app"
    key_in_flight: Literal["wait", "409", "400"] = "wait"
    key_body: Literal["bytes", "semantic"] = "bytes"
    key_mismatch_place: Literal["message", "elements"] = "message"

    # Batches.
    siblings_saved_on_400: bool = False
    validation_text: Literal["Message", "Description"] = "Message"

    # Names and numbers.
    contact_names_unique: bool = True
    archived_name_is_free: bool = True
    number_reusable_after_void: bool = False
    credit_note_numbers_unique: bool = True
    contact_number_text: Literal["another", "assigned"] = "another"

    # Documents.
    due_date_required: bool = False
    lock_date_for_payments: bool = True

    # Reading.
    page_size_max: int = 1_000
    unchanged_is_304: bool = False
    # Xero leaves archived contacts out of lists; whether of a list of IDs too, it does not say.
    archived_by_ids: bool = True

    # Sign-in. The grace in which a used refresh token still works: 30 minutes, or none at all.
    refresh_grace_s: int = 1_800
    access_token_life_s: int = 1_800
    scopes: Literal["granular", "mixed"] = "granular"
    missing_scope_status: Literal["401", "403"] = "401"
    # A custom connection of Xero reaches one organisation; "all" makes one set of credentials do for routing tests.
    client_credentials_reach: Literal["all", "one"] = "all"

    # Webhooks. Xero's pages show "Update", its specification "UPDATE".
    webhook_case: Literal["upper", "title"] = "upper"
    # How long changes are gathered into one delivery, in milliseconds.
    webhook_gather_ms: int = 1_000
    # Whether a change that does not move UpdatedDateUTC (a due date of what is part paid) is told.
    webhook_of_silent_changes: bool = False
    # Whether what a disabled webhook does not tell shows as a gap of its sequence afterwards.
    webhook_counts_while_disabled: bool = False

    def changed(self, **changes: Any) -> "Switches":
        """A copy with some positions changed; raises ValueError that names a wrong switch or value."""
        known = {field.name: field.type for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}: known are {', '.join(sorted(known))}")
            _check(name, known[name], value)
        return replace(self, **changes)

    @classmethod
    def drawn(cls, random: Random, keep: Collection[str] = ()) -> "Switches":
        """Every position at random, for tests that must pass on all; those named in `keep` stay as they are."""
        positions: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in keep:
                continue
            if get_origin(field.type) is Literal:
                positions[field.name] = random.choice(get_args(field.type))
            elif field.type is bool:
                positions[field.name] = random.random() < 0.5
            elif field.name in _NUMBERS:
                positions[field.name] = random.choice(_NUMBERS[field.name])
        return cls().changed(**positions)


def _check(name: str, kind: Any, value: Any) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            choices = ", ".join(repr(choice) for choice in get_args(kind))
            raise ValueError(f"switch {name}: expected one of {choices}, got {value!r}")
    elif kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"switch {name}: expected true or false, got {value!r}")
    elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"switch {name}: expected a whole number of 0 or more, got {value!r}")

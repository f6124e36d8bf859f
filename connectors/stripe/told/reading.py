"""Reading Stripe's objects, whose fields are where their API version has them: each look-up names what it missed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.codec import Refused, shorten
from schemas.money import from_minor, minor_digits, to_text

# Amounts are in minor units as ISO 4217 has them, but for these (Stripe's page "Supported currencies").
_WITH_TWO_ZEROS: Final = frozenset({"ISK", "UGX"})
_WHOLE: Final = frozenset({"MGA"})


def get(thing: Any, path: str) -> Any:
    """What stands at a dotted path; None where there is nothing."""
    for part in path.split("."):
        thing = thing.get(part) if isinstance(thing, Mapping) else None
    return thing


def mapping(thing: Any, path: str) -> Mapping[str, Any]:
    """The object there; Refused for anything else, as are those that follow."""
    found = get(thing, path)
    if not isinstance(found, Mapping):
        raise Refused(path, shorten(found), "an object")
    return found


def several(thing: Any, path: str) -> Sequence[Any]:
    """The list there, empty where there is none."""
    found = get(thing, path)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise Refused(path, shorten(found), "a list")
    return found


def text(thing: Any, path: str) -> str:
    """The text there, which is not empty."""
    found = get(thing, path)
    if not isinstance(found, str) or not found:
        raise Refused(path, shorten(found), "a text")
    return found


def words(thing: Any, path: str, characters_max: int = 255) -> str | None:
    """The text there as far as it fits; None for a blank one, or where there is none."""
    found = get(thing, path)
    return (found.strip()[:characters_max].strip() or None) if isinstance(found, str) else None


def named(thing: Any, path: str) -> str | None:
    """The id of the thing there, which Stripe may name or show whole ("expanded"); None where there is none."""
    found = get(thing, path)
    if isinstance(found, Mapping):
        found = found.get("id")
    return found if isinstance(found, str) and found else None


def whole(thing: Any, path: str) -> int:
    """The whole number there."""
    found = get(thing, path)
    if not isinstance(found, int) or isinstance(found, bool):
        raise Refused(path, shorten(found), "a whole number")
    return found


def currency_of(thing: Any) -> str:
    """The currency in capitals."""
    return text(thing, "currency").upper()


def positive(thing: Any, path: str, currency: str) -> str:
    """An amount of more than zero."""
    units = whole(thing, path)
    if units <= 0:
        raise Refused(path, str(units), "more than zero")
    return money(units, currency, path)


def money(units: int, currency: str, path: str) -> str:
    """Stripe's minor units as an amount. `path` is told where they do not fit."""
    if currency in _WHOLE:
        units *= 100
    if currency in _WITH_TWO_ZEROS:
        if units % 100:
            raise Refused(path, str(units), f"a multiple of 100: Stripe writes {currency} with two zeros at the end")
        units //= 100
    # Card networks know two places; Stripe writes the third and wants it to be 0 (BHD, JOD, KWD, OMR, TND).
    if minor_digits(currency) == 3 and units % 10:
        raise Refused(path, str(units), f"a multiple of 10: Stripe writes {currency} with a zero at the end")
    return to_text(from_minor(units, currency))


def moment(thing: Any, path: str) -> dt.datetime:
    """The time there, in UTC."""
    seconds = get(thing, path)
    try:
        if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds >= 0:
            return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    except (OverflowError, ValueError, OSError):
        pass
    raise Refused(path, shorten(seconds), "seconds since 1970")

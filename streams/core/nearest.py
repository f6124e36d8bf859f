"""The name that a person may have meant."""

import difflib
from collections.abc import Callable, Iterable


def nearest(written: str, names: Iterable[str], of: Callable[[str], str] = str) -> str | None:
    """The name that is most like what was written, or None. Capitals do not count. `of`: what of a name is compared."""
    folded = {of(name).casefold(): name for name in sorted(names)}
    found = difflib.get_close_matches(written.casefold(), folded, 1)
    return folded[found[0]] if found else None

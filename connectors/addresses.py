"""Addresses with a password in them: how people may see one, and which cannot be read in one way alone. Pure."""

import re
from typing import Final

# What to do about an address whose password has characters that mean something there.
ESCAPED: Final = "with %XX for every character of the password that is neither a letter nor a digit (%40 for @)"
MASK: Final = "***"

_FILE: Final = "sqlite"
# The value of `?password=` and its like, with an & in it that nobody escaped.
_IN_QUERY: Final = re.compile(r"([?&][^=&?]*(?:password|passwd|pwd)=).*?(?=&\w+=|$)", re.IGNORECASE | re.DOTALL)


def without_password(url: str) -> str:
    """An address as people may see it: of a password with an @ in it, no part is taken for the host."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.startswith(_FILE):
        return url
    who, at, where = _IN_QUERY.sub(rf"\1{MASK}", rest).rpartition("@")
    user, colon, _ = who.partition(":")
    if colon or "@" in who:
        who = f"{MASK if '@' in user else user}:{MASK}"
    return f"{scheme}://{who}{at}{where}"


def is_ambiguous(url: str) -> bool:
    """Whether a part of the password may be taken for the host or the database: what holds an @ or a / there."""
    scheme, _, rest = url.partition("://")
    who, at, where = rest.partition("?")[0].partition("@")
    return not scheme.startswith(_FILE) and bool(at) and ("@" in where or "/" in who)

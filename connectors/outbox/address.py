"""The address of a source's database: which dialect it speaks, and how it is shown to people. Pure."""

import re
from typing import Final, Literal

from connectors.addresses import ESCAPED, is_ambiguous

Dialect = Literal["postgresql", "mysql", "sqlite"]

_DIALECTS: Final[dict[str, Dialect]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
_URL: Final = re.compile(r"([a-z]+)(\+[a-z0-9]+)?://(.+)")
_EXPECTED: Final = (
    "the database's address must be postgresql://USER:PASSWORD@HOST/NAME, mysql://USER:PASSWORD@HOST/NAME or "
    f"sqlite:////PATH/TO/FILE, {ESCAPED}"
)


def dialect_of(url: str) -> Dialect:
    """Which of the three it is. ValueError, without the address in it, for anything else."""
    match = _URL.fullmatch(url)
    dialect = _DIALECTS.get(match[1]) if match else None
    no_file = dialect == "sqlite" and match is not None and not match[3].startswith("/")
    if dialect is None or no_file or is_ambiguous(url):
        raise ValueError(_EXPECTED)
    return dialect


def without_driver(url: str) -> str:
    """`mysql+pymysql://…` as `mysql://…`: addresses are often copied from an application, but the driver is ours."""
    return _URL.sub(lambda match: f"{dialect_of(url)}://{match[3]}", url)

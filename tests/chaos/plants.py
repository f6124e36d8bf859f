"""Faults of our own that are planted into a worker, to show that the harness sees them. No setting plants them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Within the block the product has the fault `name`; with an empty name it has none."""
    with PLANTS[name]() if name else contextlib.nullcontext():
        yield


PLANTS: Final[Mapping[str, Callable[[], AbstractContextManager[None]]]] = {}

"""One of those who are measured, as a process of its own: its name, bootstrap, prefix of topics, group, folder."""

import asyncio
import sys
from pathlib import Path

from tests.bench.translate.job import Orders


def main(name: str, bootstrap: str, prefix: str, group: str, folder: str) -> None:
    """Work until killed. Only what is measured is imported."""
    orders = Orders(bootstrap, prefix, group, Path(folder))
    if name == "ours":
        from tests.bench.translate import ours

        asyncio.run(ours.run(orders))
    elif name == "bare":
        from tests.bench.translate import bare

        asyncio.run(bare.run(orders))
    elif name == "stock_faust":
        from tests.bench.translate import stock_faust

        asyncio.run(stock_faust.run(orders))
    else:
        from tests.bench.translate import quix

        quix.run(orders)


if __name__ == "__main__":
    main(*sys.argv[1:])

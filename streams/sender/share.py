"""A fair share: as many organisations for each worker as for the others, so that all of them send."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Share:
    """`tenants` are all that there are, `workers` those that are there now; `held` are ours, of which some are
    `leaving`: no new call of theirs is begun, so that another worker can have them. `elsewhere` are those that other
    workers held a moment ago."""

    tenants: int = 0
    workers: int = 1
    held: int = 0
    leaving: int = 0
    elsewhere: frozenset[str] = frozenset()

    @property
    def fair(self) -> int:
        """How many of the tenants each worker should own at most."""
        return math.ceil(self.tenants / max(self.workers, 1))

    @property
    def is_full(self) -> bool:
        """Whether another tenant would be more than our share."""
        return self.held >= self.fair

    @property
    def is_over(self) -> bool:
        """Whether one more of ours should go to another worker."""
        return self.held - self.leaving > self.fair

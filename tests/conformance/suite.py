"""What every connector passes. A new one gets it by one class:

    class TestShop(Conformance):
        kind = "shop"
        ...

`tests.conformance.case.Case` says what the class must tell.
"""

from tests.conformance.bodies import Bodies
from tests.conformance.pressure import Pressure
from tests.conformance.proofs import Proofs
from tests.conformance.sweeps import Sweeps


class Conformance(Proofs, Bodies, Pressure, Sweeps):
    """The whole suite."""

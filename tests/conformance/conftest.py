"""The suite's own assertions are shown as those of test modules are."""

import pytest

pytest.register_assert_rewrite(
    "tests.conformance.proofs",
    "tests.conformance.bodies",
    "tests.conformance.pressure",
    "tests.conformance.sweeps",
)

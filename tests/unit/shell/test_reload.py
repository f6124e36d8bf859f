"""A tax rate that a person adds counts at once, also before the next look at the files."""

from decimal import Decimal
from pathlib import Path

import pytest

from streams.reload import LivePercents, Reloading
from tests.unit.tenant_file.folder import ENVIRON, FILES


def test_a_rate_that_is_missing_is_looked_for_in_the_files(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    rates = LivePercents(Reloading(tmp_path, ENVIRON), "uk")
    assert "RRINPUT" not in list(rates)
    with pytest.raises(KeyError):
        rates["RRINPUT"]
    mended = FILES["uk.yaml"].replace("  rates:\n", '  rates:\n    - {type: RRINPUT, percent: "5.5"}\n', 1)
    assert mended != FILES["uk.yaml"]
    (tmp_path / "uk.yaml").write_text(mended)
    assert rates["RRINPUT"] == Decimal("5.5")

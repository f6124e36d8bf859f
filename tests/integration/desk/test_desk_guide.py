"""The blocks of deploy/docs/operators.md, typed in order at a desk with one letter."""

import re

from tests.support.desk import ROOT, Office, order

GUIDE = (ROOT / "deploy" / "docs" / "operators.md").read_text()
COMMANDS = "".join(re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)).splitlines()


def test_every_command_of_the_guide_does_what_it_says(office: Office) -> None:
    office.take_in(order("e1", "1001"), order("e2", "1002", rate="17.5"))
    [letter] = office.type("ledgerstream dlq list --json").json
    office.mend()
    assert len(COMMANDS) > 9
    for command in COMMANDS:
        typed = office.type(command.replace("$LETTER", letter["short_id"]))
        assert typed.code == 0, f"{command}: {typed.out} {typed.error}"
        assert typed.out.strip()

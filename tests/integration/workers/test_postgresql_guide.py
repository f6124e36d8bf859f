"""The blocks of deploy/docs/postgresql.md, typed in order by a shell on a server where nothing is yet."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.cli import environment
from tests.support.postgres import USER, PostgresServer, binary
from tests.support.system import ROOT, running

GUIDE = ROOT / "deploy" / "docs" / "postgresql.md"
# The last block is typed until it shows two organisations and three workers; then these are stopped.
TYPED = """
{setup}
{start}
trap 'kill $(jobs -p); wait || true' EXIT
for _ in $(seq 240); do
  shown=$({look} 2>/dev/null || true)
  [ "$(grep -cE '^ (uk|ie|[*]worker[*]\\S*) ' <<<"$shown")" -lt 5 ] || break
  sleep 0.5
done
echo "$shown"
"""


@pytest.mark.timeout(240)
async def test_the_blocks_start_three_workers(
    broker: str, topic_prefix: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    setup, start, look = re.findall(r"^```bash\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    async with running(broker, topic_prefix, tmp_path) as system:
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": USER}
        path = os.pathsep.join([str(Path(sys.executable).parent), str(binary("createdb").parent), os.environ["PATH"]])
        script = TYPED.format(setup=setup, start=start, look=look.strip())
        typing = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=ROOT,
            env={**environment(system.settings), **server, "PATH": path, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, told = await typing.communicate()
    assert typing.returncode == 0, told.decode()[-3000:]
    owners = set(re.findall(r"^ (?:uk|ie) +\| (\S+)", said.decode(), re.MULTILINE))
    workers = re.findall(r"^ \*worker\*", said.decode(), re.MULTILINE)
    assert owners
    assert len(workers) == 3

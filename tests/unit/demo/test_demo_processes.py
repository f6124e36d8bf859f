"""The demo's processes: ready, failed with their last lines, and gone with us."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from streams.demo.desk import Desk, DeskFailed
from streams.demo.processes import Part, PartFailed, command_line, free_port, run

ENVIRONMENT = {"PATH": f"{Path(command_line()).parent}:/usr/bin:/bin"}


async def test_a_part_says_a_line_is_ready_and_stops(tmp_path: Path) -> None:
    sandbox = Part("sandbox", ["sandbox", "xero", "--json"], ENVIRONMENT, tmp_path)
    await sandbox.start()
    try:
        line = await sandbox.first_line()
        admin = line.partition('"admin_url":"')[2].partition('"')[0]
        await sandbox.ready(f"{admin}/health")
        sandbox.check()
    finally:
        await sandbox.stop()
    with pytest.raises(PartFailed, match="ended with exit code 0"):
        sandbox.check()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{admin}/health")
    await sandbox.stop()


async def test_a_part_that_ends_shows_its_last_lines(tmp_path: Path) -> None:
    part = Part("receiver", ["no-such-verb"], ENVIRONMENT, tmp_path)
    await part.start()
    with pytest.raises(PartFailed, match=r"(?s)receiver ended with exit code 2.*no-such-verb"):
        await part.ready("http://127.0.0.1:1/readyz")
    await part.stop()


async def test_parts_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from streams.demo.processes import Part\n"
        "async def main():\n"
        f"    part = Part('sandbox', ['sandbox', 'xero', '--json'], {ENVIRONMENT!r}, Path({str(tmp_path)!r}))\n"
        "    await part.start()\n"
        "    print(await part.first_line(), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    line = (await parent.stdout.readline()).decode()
    admin = line.partition('"admin_url":"')[2].partition('"')[0]
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            try:
                async with session.get(f"{admin}/health"):
                    await asyncio.sleep(0.1)
            except aiohttp.ClientError:
                return
    pytest.fail("the sandbox outlived its parent")


async def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    desk = Desk(ENVIRONMENT)
    with pytest.raises(DeskFailed, match=r"(?s)`ledgerstream no-such-verb` ended with exit code 2: .*no-such-verb"):
        await desk.type("ledgerstream no-such-verb")
    typed = await desk.type("ledgerstream --help")
    assert "demo" in typed.said


async def test_commands_are_taken_apart_as_a_shell_would() -> None:
    code, out, _ = await run(["printf", "%s", "two words"], {"PATH": "/usr/bin:/bin"})
    assert (code, out) == (0, "two words")
    typed = await Desk({"PATH": "/usr/bin:/bin"}).type("printf '%s-' 'two words' three")
    assert typed.said == "two words-three-"


def test_a_free_port_is_free() -> None:
    assert 1024 < free_port() < 65536

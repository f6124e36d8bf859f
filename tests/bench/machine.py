"""The machine: which core a process has, how much of it a process used, and how much memory it holds."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB: Final = 1024


def cores() -> tuple[int, int]:
    """Two cores, one for what is measured and one for all else; the same twice where there is only one."""
    have = sorted(os.sched_getaffinity(0))
    return have[0], have[-1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Everything that this thread starts within the block stays on that core, with all its threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time, of user and kernel, that the process with all its threads has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family_seconds(pid: int) -> float:
    """The same for the process, those of its children that have ended, and those that live."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended just now, and its parent has its time.
        if int(stat.parent.name) == pid:
            total += sum(map(int, fields[11:15])) / _TICKS
        elif int(fields[1]) == pid:
            total += sum(map(int, fields[11:13])) / _TICKS
    return total


def taken_seconds(core: int) -> float:
    """Seconds of the core that processes, whichever they were, or another machine on the same host have used."""
    for row in Path("/proc/stat").read_text().splitlines():
        name, *ticks = row.split()
        if name == f"cpu{core}":
            user, nice, system, *_others, steal = (int(value) for value in ticks[:8])
            return (user + nice + system + steal) / _TICKS
    raise ProcessLookupError(f"this machine has no core {core}")


def resident_mib(pid: int) -> float:
    """Resident memory of the process."""
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1]) / _KIB_PER_MIB
    raise ProcessLookupError(f"process {pid} has no resident memory: it ended")

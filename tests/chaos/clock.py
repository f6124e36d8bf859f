"""One time for all processes of a round: a small file that each of them maps and one hand moves.

Time runs at a rate, leaps, and its time of day steps; seconds that passed never go backwards. Worker, receiver and
sandbox read it through `ChaosClock`, which has what their own clock protocols ask for. It imports nothing of ours.
"""

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

# A counter that is odd while the rest is being written, then the five figures of `_State`.
_LAYOUT: Final = struct.Struct("<Qddddd")
_COUNTER: Final = struct.Struct("<Q")
# A leap is noticed by those who sleep within this time.
_LOOK_S: Final = 0.03


class _State(NamedTuple):
    """`machine_s` (CLOCK_BOOTTIME) and `elapsed_s` are one moment; from there time runs `rate` times as fast.

    `epoch_s` + elapsed + `step_s` is the time of day, as unix seconds.
    """

    machine_s: float
    elapsed_s: float
    rate: float
    step_s: float
    epoch_s: float


def _machine_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ChaosClock:
    """The time of a chaos run. `steps`: whether this clock takes part when the time of day steps; Xero's does not."""

    def __init__(self, path: Path, *, steps: bool = True) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAYOUT.size)
        self._steps = steps

    def now(self) -> datetime:
        """The time of day, in UTC."""
        state = self._read()
        step_s = state.step_s if self._steps else 0.0
        return datetime.fromtimestamp(state.epoch_s + _elapsed(state) + step_s, tz=UTC)

    def elapsed(self) -> float:
        """Seconds that have passed; they go on while a process is suspended."""
        return _elapsed(self._read())

    def seconds(self) -> float:
        """The same, under the name that the sandbox uses."""
        return self.elapsed()

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds of this clock have passed."""
        until = self.elapsed() + seconds
        await asyncio.sleep(0)
        while True:
            state = self._read()
            left_s = until - _elapsed(state)
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s / state.rate, _LOOK_S))

    def _read(self) -> _State:
        while True:
            before, *figures = _LAYOUT.unpack_from(self._map)
            if before % 2 == 0 and before == _COUNTER.unpack_from(self._map)[0]:
                return _State(*figures)


def _elapsed(state: _State) -> float:
    return state.elapsed_s + (_machine_s() - state.machine_s) * state.rate


class Hand(ChaosClock):
    """The one who moves the clock. There is one for each file."""

    def __init__(self, path: Path, *, rate: float = 1.0) -> None:
        elapsed_s = 1000.0
        state = _State(_machine_s(), elapsed_s, rate, 0.0, time.time() - elapsed_s)
        path.write_bytes(_LAYOUT.pack(0, *state))
        super().__init__(path)

    @property
    def rate(self) -> float:
        """Seconds of this clock in one of the machine's."""
        return self._read().rate

    def leap(self, seconds: float) -> None:
        """So many seconds pass at once."""
        state = self._moved()
        self._write(state._replace(elapsed_s=state.elapsed_s + seconds))

    def step(self, seconds: float) -> None:
        """The time of day is set forward, or back; no time passes."""
        state = self._moved()
        self._write(state._replace(step_s=state.step_s + seconds))

    def run(self, rate: float) -> None:
        """Time runs so many times as fast from now on."""
        self._write(self._moved()._replace(rate=rate))

    def _moved(self) -> _State:
        """The state with this very moment as its anchor."""
        state = self._read()
        machine_s = _machine_s()
        passed_s = (machine_s - state.machine_s) * state.rate
        return state._replace(machine_s=machine_s, elapsed_s=state.elapsed_s + passed_s)

    def _write(self, state: _State) -> None:
        (counter,) = _COUNTER.unpack_from(self._map)
        _COUNTER.pack_into(self._map, 0, counter + 1)
        _LAYOUT.pack_into(self._map, 0, counter + 1, *state)
        _COUNTER.pack_into(self._map, 0, counter + 2)

"""Smile states of recorded video, decided over the whole course of a track: a recording knows its future.

The states are those of the best path by the Viterbi algorithm: a frame gains the log odds of its probability for as
long as it lasts if the state agrees with them, loses them if not, and each change of state costs ``change_cost``. So
changes lie where the probabilities change, not a moment later, and a few doubtful frames change nothing. A frame is
settled as soon as both paths that may still become the best agree on it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from smilecam.tracking.smile_state import DecisionSettings, Smoother, agreeing, intensity, log_odds

MAX_FRAME_SECONDS = 0.2
"""A frame counts for no longer than this: nothing is known about what lies between two that are far apart."""

FIRST_FRAME_SECONDS = 0.04
"""How long the first frame of a track counts."""

LOOKAHEAD_SECONDS = 0.4
"""So much of the future takes part in the smoothed probability of a frame."""

MAX_DELAY_SECONDS = 3.0
"""A frame that is still in doubt after so long is settled by what is known, since frames wait in memory.

The rest of the path goes on from there, so that it is the best of those that begin with what was settled.
"""


def change_cost(settings: DecisionSettings) -> float:
    """Cost of a change of state, in log odds times seconds: .42 by default.

    It was chosen on the development clips (benchmarks/clips.py), where all from .3 to .8 give nearly the same.
    """
    return settings.smoothing * (3.0 + settings.hysteresis)


@dataclass(frozen=True, slots=True)
class SettledState:
    """The state of a track in one frame, for good.

    Attributes:
        smiling: the state.
        smoothed: probability of a smile over time, on the same side of the threshold as the state.
        intensity: how much of a smile it is, 0 to 1.
    """

    smiling: bool
    smoothed: float
    intensity: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame of the best path.

    Attributes:
        time: seconds.
        smiling: the state on the path.
        value: log odds smoothed from both sides.
        least: log odds at which the intensity is 0.
    """

    time: float
    smiling: bool
    value: float
    least: float


@dataclass(slots=True)
class _Series:
    """The frames of a track that are not settled yet, one entry for each.

    Attributes:
        times: seconds.
        gains: what smiling gains in the frame: log odds from the threshold, times seconds.
        values: log odds.
        forward: log odds smoothed from the past.
        least: log odds at which the intensity is 0.
        before: for not smiling and smiling, the state of the frame before on the best path that has that state here.
    """

    times: list[float] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    forward: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    before: list[tuple[bool, bool]] = field(default_factory=list)

    def drop(self, count: int) -> None:
        """Forget the oldest frames."""
        for entries in (self.times, self.gains, self.values, self.forward, self.least, self.before):
            del entries[:count]

    def path(self, smiling: bool) -> list[bool]:
        """The states of the best path that has a state in the newest frame."""
        states = []
        for before in reversed(self.before):
            states.append(smiling)
            smiling = before[smiling]
        return states[::-1]


class SmilePath:
    """The smile of one track of a recorded video."""

    def __init__(self, threshold: float, settings: DecisionSettings) -> None:
        """Begin a track.

        Args:
            threshold: the probability around which smiles begin and end.
            settings: cost of changes, and minimum durations.
        """
        self._settings, self._threshold = settings, log_odds(threshold)
        self._cost = change_cost(settings)
        self._smoother = Smoother(settings)
        self._series = _Series()
        self._gains = (0.0, 0.0)  # of the best paths that do not and do smile now
        self._durations = _MinimumDurations(settings)

    def __len__(self) -> int:
        """Frames that are not settled yet."""
        return len(self._series.times) + len(self._durations)

    def add(self, probability: float, time: float) -> None:
        """Take the next frame.

        Args:
            probability: of a smile in this frame alone, 0 to 1.
            time: in seconds, not before that of the frame before.
        """
        value, last = log_odds(probability), self._smoother.time
        seconds = FIRST_FRAME_SECONDS if last is None else min(MAX_FRAME_SECONDS, max(1e-3, time - last))
        gain = (value - self._threshold) * seconds
        before = self._extend(gain, begins=last is None)
        series = self._series
        series.times.append(time)
        series.gains.append(gain)
        series.values.append(value)
        series.forward.append(self._smoother.update(value, time, smiling=value > self._threshold))
        series.least.append(self._smoother.least)
        series.before.append(before)

    def _extend(self, gain: float, *, begins: bool = False) -> tuple[bool, bool]:
        """Extend both paths by a frame: for each state of it, the state of the frame before on its best path."""
        no_smile, smile = self._gains
        # A track may begin with either state.
        before = (False, True) if begins else (smile - self._cost > no_smile, no_smile - self._cost <= smile)
        self._gains = (
            (smile - self._cost if before[0] else no_smile) - gain,
            (smile if before[1] else no_smile - self._cost) + gain,
        )
        return before

    def settle(self, *, ended: bool = False) -> list[SettledState]:
        """Settle as many of the oldest frames as are certain, or all of them.

        Args:
            ended: whether no further frame comes.

        Returns:
            The frames that this call settles, oldest first.
        """
        paths = self._series.path(False), self._series.path(True)
        count = len(self._series.times) if ended else self._certain(*paths)
        if count:
            likely = self._gains[1] >= self._gains[0]
            states = paths[likely][:count]
            in_doubt = paths[not likely][count - 1] != states[-1]
            self._durations.add(self._smoothed(states))
            self._series.drop(count)
            if in_doubt:
                self._go_on_from(states[-1])
        return [self._state(smiling, frame) for smiling, frame in self._durations.settle(ended=ended)]

    def _go_on_from(self, smiling: bool) -> None:
        """Find the best paths again over what is not settled, from a state that has been settled in doubt."""
        impossible = -math.inf
        self._gains = (impossible, 0.0) if smiling else (0.0, impossible)
        self._series.before = [self._extend(gain) for gain in self._series.gains]

    def _certain(self, no_smile: Sequence[bool], smile: Sequence[bool]) -> int:
        """How many of the oldest frames have one state on both paths, and enough future to be smoothed."""
        times = self._series.times
        if not times:
            return 0
        lookahead = min(LOOKAHEAD_SECONDS, 3 * self._settings.smoothing)
        seen = sum(time <= times[-1] - lookahead for time in times)
        overdue = sum(time < times[-1] - MAX_DELAY_SECONDS for time in times)
        pairs = zip(no_smile, smile, strict=True)
        agreed = next((at for at, (one, other) in enumerate(pairs) if one != other), len(times))
        return max(overdue, min(seen, agreed))

    def _smoothed(self, states: Sequence[bool]) -> list[_Frame]:
        """The oldest frames with log odds that are smoothed from both sides."""
        series, backward = self._series, Smoother(self._settings)
        from_future = [
            backward.update(value, -time)
            for value, time in zip(reversed(series.values), reversed(series.times), strict=True)
        ][::-1]
        return [
            _Frame(series.times[at], smiling, (series.forward[at] + from_future[at]) / 2, series.least[at])
            for at, smiling in enumerate(states)
        ]

    def _state(self, smiling: bool, frame: _Frame) -> SettledState:
        smoothed = agreeing(frame.value, smiling, self._threshold)
        return SettledState(smiling, smoothed, intensity(frame.value, frame.least))


class _MinimumDurations:
    """Leaves out smiles and pauses that are too short."""

    def __init__(self, settings: DecisionSettings) -> None:
        self._least = (settings.min_pause, settings.min_smile)
        self._frames: deque[_Frame] = deque()
        self._state = False

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frames: Sequence[_Frame]) -> None:
        self._frames.extend(frames)

    def settle(self, *, ended: bool) -> list[tuple[bool, _Frame]]:
        """The frames whose state is certain, each with its state."""
        settled = []
        while self._frames:
            runs = [list(run) for _, run in groupby(self._frames, key=lambda frame: frame.smiling)]
            state = self._frames[0].smiling
            lasting = self._lasts(runs, ended=ended)
            if state != self._state and lasting is None:
                break
            if lasting:
                self._state = state
            settled += [(self._state, self._frames.popleft()) for _ in runs[0]]
        return settled

    def _lasts(self, runs: Sequence[Sequence[_Frame]], *, ended: bool) -> bool | None:
        """Whether the first run lasts long enough, over runs too short to end it; None while that is unknown."""
        least = self._least[runs[0][0].smiling]
        begin = runs[0][0].time
        for at, run in enumerate(runs):
            complete = ended or at + 1 < len(runs)
            end = runs[at + 1][0].time if at + 1 < len(runs) else run[-1].time
            if at % 2 == 0:
                if end - begin >= least - 1e-9:
                    return True
                if not complete:
                    return None
            elif end - run[0].time >= self._least[run[0].smiling] - 1e-9:
                return False
            elif not complete:
                return None
        return False

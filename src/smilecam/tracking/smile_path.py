"""Smile states of recorded video, decided over the whole course of a track: a recording knows its future.

The states are those of the best path by the Viterbi algorithm: a frame gains the log odds of its probability for as
long as it lasts if the state agrees with them, loses them if not, and each change of state costs ``change_cost``; both
states have a minimum duration. So changes lie where the probabilities change, not a moment later, and a few doubtful
frames change nothing. A frame is settled as soon as all paths that may still become the best agree on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from smilecam.tracking.smile_state import DecisionSettings, Smoother, agreeing, intensity, log_odds

MAX_FRAME_SECONDS = 0.2
"""A frame counts for no longer than this: nothing is known about what lies between two that are far apart."""

FIRST_FRAME_SECONDS = 0.04
"""How long the first frame of a track counts."""

LOOKAHEAD_SECONDS = 0.4
"""So much of the future takes part in the smoothed probability of a frame."""

MAX_DELAY_SECONDS = 3.0
"""A frame that is still in doubt after so long is settled by what is known, since frames wait in memory; or after the
longest minimum duration and half a second, if that is more."""

_FROM_ROOT = -1
_NEVER = -math.inf


def change_cost(settings: DecisionSettings) -> float:
    """Cost of a change of state, in log odds times seconds: .41 by default.

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


@dataclass(slots=True)
class _Series:
    """The frames of a track that are not settled yet, one entry for each.

    Attributes:
        times: seconds.
        durations: seconds that each counts.
        sums: of log odds beyond the threshold times durations, from 0 on: what a smile gains and no smile loses. One
            entry more than the others.
        values: log odds.
        forward: log odds smoothed from the past.
        least: log odds at which the intensity is 0.
        scores: for not smiling and smiling, the gain of the best path that ends with that state here.
        starts: likewise, where the last run of that state begins on that path; ``_FROM_ROOT`` before all of these.
    """

    times: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    sums: list[float] = field(default_factory=lambda: [0.0])
    values: list[float] = field(default_factory=list)
    forward: list[float] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    scores: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    starts: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))


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
        self._durations = (settings.min_pause, settings.min_smile)
        self._smoother = Smoother(settings)
        self._series = _Series()
        self._root: tuple[bool, float] | None = None  # the state before the first of the series, and since when
        self._last_time: float | None = None

    def __len__(self) -> int:
        """Frames that are not settled yet."""
        return len(self._series.times)

    def add(self, probability: float, time: float) -> None:
        """Take the next frame.

        Args:
            probability: of a smile in this frame alone, 0 to 1.
            time: in seconds, not before that of the frame before.
        """
        value = log_odds(probability)
        passed = FIRST_FRAME_SECONDS if self._last_time is None else time - self._last_time
        self._last_time = time
        smoothed = self._smoother.update(value, time, smiling=value > self._threshold)
        self._append(time, min(MAX_FRAME_SECONDS, max(1e-3, passed)), value, smoothed, self._smoother.least)

    def _append(self, time: float, duration: float, value: float, forward: float, least: float) -> None:
        series = self._series
        series.times.append(time)
        series.durations.append(duration)
        series.values.append(value)
        series.forward.append(forward)
        series.least.append(least)
        series.sums.append(series.sums[-1] + (value - self._threshold) * duration)
        for smiling in (False, True):
            score, start = self._best(smiling)
            series.scores[smiling].append(score)
            series.starts[smiling].append(start)

    def _best(self, smiling: bool) -> tuple[float, int]:
        """The best path that ends with a state at the newest frame: its gain, and where the state begins on it."""
        series = self._series
        now = len(series.times) - 1
        score, start = _NEVER, _FROM_ROOT
        if now == 0:
            if self._root is None or self._root[0] == smiling:
                score = self._gain(smiling, 0, 0)
        elif series.scores[smiling][-1] > _NEVER:
            score = series.scores[smiling][-1] + self._gain(smiling, now, now)
            start = series.starts[smiling][-1]
        begin = self._latest_begin(smiling, now)
        if begin is not None:
            changed = self._score_before(not smiling, begin) - self._cost + self._gain(smiling, begin, now)
            if changed > score:
                score, start = changed, begin
        return score, start

    def _gain(self, smiling: bool, first: int, last: int) -> float:
        total = self._series.sums[last + 1] - self._series.sums[first]
        return total if smiling else -total

    def _latest_begin(self, smiling: bool, now: int) -> int | None:
        """The last frame from which a state has lasted its minimum duration; None if it is settled already."""
        times, end = self._series.times, self._series.times[now] + self._series.durations[now]
        begin = now
        while end - times[begin] < self._durations[smiling] - 1e-9:
            begin -= 1
            if begin < 0:
                return None
        return begin

    def _score_before(self, smiling: bool, begin: int) -> float:
        """Gain of the best path that has a state until just before a frame; infinitely bad if it is too short."""
        start = self._series.starts[smiling][begin - 1] if begin else _FROM_ROOT
        if start == _FROM_ROOT and self._root is not None:
            if begin == 0 and self._root[0] != smiling:
                return _NEVER
            if self._series.times[begin] - self._root[1] < self._durations[smiling] - 1e-9:
                return _NEVER
        elif begin == 0:
            return _NEVER  # a track may begin with either state, so there is no change before its first frame
        return self._series.scores[smiling][begin - 1] if begin else 0.0

    def settle(self, *, ended: bool = False) -> list[SettledState]:
        """Settle as many of the oldest frames as are certain, or all of them.

        Args:
            ended: whether no further frame comes.

        Returns:
            The frames that this call settles, oldest first.
        """
        count = len(self) if ended else self._certain()
        if count == 0:
            return []
        states = self._path(self._best_end(), len(self) - 1)[:count]
        settled = self._smoothed(states)
        self._drop(states)
        return settled

    def _best_end(self) -> bool:
        no_smile, smile = (scores[-1] for scores in self._series.scores)
        return smile >= no_smile

    def _certain(self) -> int:
        """How many of the oldest frames have one state on every path that can still become the best."""
        times = self._series.times
        if not times:
            return 0
        patience = max(MAX_DELAY_SECONDS, 0.5 + max(self._durations))
        overdue = sum(time < times[-1] - patience for time in times)
        lookahead = min(LOOKAHEAD_SECONDS, 3 * self._settings.smoothing)
        seen = sum(time <= times[-1] - lookahead for time in times)
        if overdue >= seen:
            return overdue
        first_end = next(at for at, time in enumerate(times) if time >= times[-1] - max(self._durations) - 1e-9)
        paths = [
            self._path(smiling, end)
            for end in range(max(0, first_end - 1), len(times))
            for smiling in (False, True)
            if self._series.scores[smiling][end] > _NEVER
        ]
        common = min(len(path) for path in paths)
        for at in range(common):
            if len({path[at] for path in paths}) > 1:
                common = at
                break
        return max(overdue, min(seen, common))

    def _path(self, smiling: bool, end: int) -> list[bool]:
        """The states of the best path that has a state at a frame, up to that frame."""
        states = [False] * (end + 1)
        while end >= 0:
            start = max(0, self._series.starts[smiling][end])
            from_root = self._series.starts[smiling][end] == _FROM_ROOT
            states[start : end + 1] = [smiling] * (end + 1 - start)
            end, smiling = (-1, smiling) if from_root else (start - 1, not smiling)
        return states

    def _smoothed(self, states: list[bool]) -> list[SettledState]:
        """The states with probabilities that are smoothed from both sides."""
        series, backward = self._series, Smoother(self._settings)
        from_future = [
            backward.update(value, -time)
            for value, time in zip(reversed(series.values), reversed(series.times), strict=True)
        ]
        settled = []
        for at, smiling in enumerate(states):
            value = (series.forward[at] + from_future[-1 - at]) / 2
            probability = agreeing(value, smiling, self._threshold)
            settled.append(SettledState(smiling, probability, intensity(value, series.least[at])))
        return settled

    def _drop(self, states: list[bool]) -> None:
        """Forget the frames that are settled, and take up the others anew from there."""
        before, count = self._series, len(states)
        state, since = (states[0], -math.inf) if self._root is None else self._root
        for at, smiling in enumerate(states):
            if smiling != state:
                state, since = smiling, before.times[at]
        self._root, self._series = (state, since), _Series()
        for at in range(count, len(before.times)):
            self._append(
                before.times[at], before.durations[at], before.values[at], before.forward[at], before.least[at]
            )

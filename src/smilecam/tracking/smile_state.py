"""From probabilities to a state that does not flicker, in an online stream: each frame counts by how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

LIMIT = 6.0
"""Log odds are clipped to this: a single frame of .9999 counts no more than one of .998."""

FULL_SMILE, NO_SMILE = 3.0, -3.0
"""Log odds at which the intensity is 1 and 0: probabilities of .95 and .05."""

NEUTRAL_RATE = 0.02
"""How fast a track's neutral face is learned, as a share a second: it takes about a minute to forget another."""

SWITCH_RATE = 0.5
"""Changes of state a second that are expected before anything is seen, for either state."""

MAX_BELIEF = 3.0
"""Log odds to which the belief in a state is clipped, so that a long smile ends as soon as a short one."""

BELIEF_PER_HYSTERESIS = 3.0
"""Log odds of belief in a state that change it, as a multiple of the hysteresis: 1.5 by default."""

MAX_NEEDED_BELIEF = 2.5
"""No more belief than this is asked for: with a larger hysteresis a belief of ``MAX_BELIEF`` would never suffice."""

SWITCHING_SMOOTHING = 0.12
"""Smoothing in seconds above which changes are expected more rarely, as the smoothing grows: frames count for less
then, and a belief that faded as fast as ever would never be reached."""

MAX_SECONDS_BACK = 1.0
"""A change is dated back by no more than this, to where frames passed the threshold before it was certain."""

FULL_FRAME = 0.4
"""How long a frame takes to count in full, as a share of the smoothing: 1/20 s by default. Like the three constants
above it was chosen on the development clips (benchmarks/clips.py), among settings that leave noise about the threshold
without effect (tests/tracking/test_smile_state.py)."""


class Sample(NamedTuple):
    """The smile of a face in one frame: a probability, and whether it is interpolated from other frames."""

    smile: float
    interpolated: bool = False


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """When a smile begins and ends.

    Attributes:
        smoothing: seconds over which log odds are averaged (the time constant of an exponential mean).
        hysteresis: distance from the threshold, in log odds, beyond which a frame counts for a change of state.
        min_smile: seconds for which a smile must last.
        min_pause: seconds for which its end must last.
        relative: whether intensity is measured from the track's own neutral face.
    """

    smoothing: float = 0.12
    hysteresis: float = 0.5
    min_smile: float = 0.0
    min_pause: float = 0.0
    relative: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of state that has been declared.

    Attributes:
        smiling: the new state.
        since: seconds, when the frames passed the threshold for good.
        peak: largest smoothed probability of the smile so far.
    """

    smiling: bool
    since: float
    peak: float


class Smoother:
    """Log odds smoothed from the past, and the neutral face of a track.

    Attributes:
        settings: the time constant, and whether intensity is relative.
        value: smoothed log odds; None before the first.
        time: of the newest value, in seconds; None before the first.
    """

    def __init__(self, settings: DecisionSettings) -> None:
        """Begin a track."""
        self.settings = settings
        self.value: float | None = None
        self.time: float | None = None
        self._neutral = NO_SMILE

    def update(self, value: float, time: float, *, smiling: bool = False) -> float:
        """Take the next log odds, and give the smoothed ones.

        Args:
            value: log odds.
            time: in seconds, not before that of the value before.
            smiling: the state so far; the neutral face is learned outside smiles.
        """
        if self.value is None or self.time is None:
            self.value = value
        else:
            passed = max(0.0, time - self.time)
            share = 1 - math.exp(-passed / self.settings.smoothing) if self.settings.smoothing > 0 else 1.0
            self.value += share * (value - self.value)
            if not smiling:
                self._learn_neutral(self.value, passed)
        self.time = time
        return self.value

    def _learn_neutral(self, value: float, passed: float) -> None:
        """Follow the lower values: quickly down, slowly up."""
        rate = min(1.0, passed * (1.0 if value < self._neutral else NEUTRAL_RATE))
        self._neutral += rate * (value - self._neutral)

    @property
    def least(self) -> float:
        """Log odds at which the intensity is 0."""
        return self._neutral if self.settings.relative else NO_SMILE


def intensity(value: float, least: float) -> float:
    """How much of a smile log odds are, 0 to 1, from ``least`` to a full smile."""
    return min(1.0, max(0.0, (value - least) / max(1.0, FULL_SMILE - least)))


class SmileState:
    """The smile of one track over time.

    The belief in a smile is that of a hidden Markov model with two states that change at ``SWITCH_RATE``. A sure
    frame moves it further than a doubtful one, so that a clear smile is declared after a few frames.
    """

    def __init__(self, threshold: float, settings: DecisionSettings) -> None:
        """Begin without a smile.

        Args:
            threshold: the probability around which smiles begin and end.
            settings: temporal smoothing and debouncing.
        """
        self._settings, self._threshold = settings, log_odds(threshold)
        self._smoother = Smoother(settings)
        self._switch_rate = SWITCH_RATE * min(1.0, SWITCHING_SMOOTHING / max(settings.smoothing, 1e-9))
        self._belief = -MAX_BELIEF / 2
        self._time: float | None = None
        self._crossed: float | None = None
        self._pending_since: float | None = None
        self._peak = 0.0
        self.smiling = False
        self.since = 0.0

    @property
    def smoothed(self) -> float:
        """The smoothed probability of a smile, on the same side of the threshold as the state."""
        value = self._smoother.value
        return 0.0 if value is None else agreeing(value, self.smiling, self._threshold)

    @property
    def peak(self) -> float:
        """Largest smoothed probability of the present or last smile."""
        return self._peak

    @property
    def intensity(self) -> float:
        """How much of a smile it is, 0 to 1, from nothing (or the track's neutral face) to a full smile."""
        value = self._smoother.value
        return 0.0 if value is None else intensity(value, self._smoother.least)

    def update_settings(self, threshold: float, settings: DecisionSettings) -> None:
        """Use other settings from the next frame on."""
        self._settings, self._threshold = settings, log_odds(threshold)
        self._smoother.settings = settings

    def update(self, probability: float, time: float) -> StateChange | None:
        """Take the next frame.

        Args:
            probability: of a smile in this frame alone, 0 to 1.
            time: in seconds, not before that of the frame before.

        Returns:
            The change that this frame confirms, if any.
        """
        value = log_odds(probability)
        self._smoother.update(value, time, smiling=self.smiling)
        self._note_crossing(value - self._threshold >= 0, time)
        self._believe(value - self._threshold, time)
        change = self._confirm(time)
        if self.smiling:
            self._peak = max(self._peak, self.smoothed)
            if change is not None:
                return StateChange(True, change.since, self._peak)
        return change

    def _note_crossing(self, above: bool, time: float) -> None:
        """Remember since when frames contradict the state."""
        if above == self.smiling:
            self._crossed = None
        elif self._crossed is None:
            self._crossed = time

    def _believe(self, distance: float, time: float) -> None:
        """Take a frame into the belief: its log odds, for as much of a full frame as the frame lasts."""
        settings = self._settings
        if settings.smoothing <= 0:  # each frame by itself
            self._belief = distance if abs(distance) >= settings.hysteresis else self._belief
            return
        distance = math.copysign(max(0.0, abs(distance) - settings.hysteresis), distance)
        full = FULL_FRAME * settings.smoothing
        passed = full if self._time is None else max(0.0, time - self._time)
        self._time = time
        prior = _switched(self._belief, passed * self._switch_rate)
        self._belief = min(MAX_BELIEF, max(-MAX_BELIEF, prior + min(1.0, passed / full) * distance))

    def _confirm(self, time: float) -> StateChange | None:
        """The change of state that the belief asks for, once it has lasted long enough."""
        needed = min(MAX_NEEDED_BELIEF, BELIEF_PER_HYSTERESIS * self._settings.hysteresis)
        needed = needed if self._settings.smoothing > 0 else 0.0
        believed = self._belief > -needed if self.smiling and needed else self._belief >= needed
        if believed == self.smiling:
            self._pending_since = None
            return None
        if self._pending_since is None:
            self._pending_since = time if self._crossed is None else max(self._crossed, time - MAX_SECONDS_BACK)
        lasting = self._settings.min_smile if believed else self._settings.min_pause
        if time - self._pending_since < lasting - 1e-9:  # times are sums of frame lengths
            return None
        self.smiling, self.since = believed, self._pending_since
        self._pending_since = self._crossed = None
        if believed:
            self._peak = 0.0
        return StateChange(believed, self.since, self._peak)


def _switched(belief: float, switches: float) -> float:
    """A belief after a time in which nothing was seen, but so many changes of state were expected: it fades."""
    changed = 0.5 * (1 - math.exp(-2 * switches))
    probability = 1 / (1 + math.exp(-belief))
    faded = probability + changed * (1 - 2 * probability)
    return math.log(faded / (1 - faded))


def agreeing(value: float, smiling: bool, threshold: float) -> float:
    """The probability of log odds, held to the side of the threshold (log odds) on which a state is."""
    held = max(value, threshold) if smiling else min(value, threshold - 1e-3)
    return 1 / (1 + math.exp(-held))


def log_odds(probability: float) -> float:
    """Log odds of a probability, clipped to ``LIMIT`` on both sides."""
    least = 1 / (1 + math.exp(LIMIT))
    clipped = min(1 - least, max(least, probability))
    return math.log(clipped / (1 - clipped))

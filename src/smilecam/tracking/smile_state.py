"""From probabilities to a state that does not flicker: temporal smoothing, hysteresis and debouncing."""

from __future__ import annotations

import math
from dataclasses import dataclass

LIMIT = 6.0
"""Log odds are clipped to this: a single frame of .9999 counts no more than one of .998."""

FULL_SMILE, NO_SMILE = 3.0, -3.0
"""Log odds at which the intensity is 1 and 0: probabilities of .95 and .05."""

NEUTRAL_RATE = 0.02
"""How fast a track's neutral face is learned, as a share a second: it takes about a minute to forget another."""


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """When a smile begins and ends.

    Attributes:
        smoothing: seconds over which log odds are averaged (the time constant of an exponential mean).
        hysteresis: distance from the threshold, in log odds, that the smoothed value must reach: above it to begin a
            smile and below it to end one.
        min_smile: seconds for which it must stay there before a smile is declared.
        min_pause: seconds for which it must stay there before the end is declared.
        relative: whether intensity is measured from the track's own neutral face.
    """

    smoothing: float = 0.12
    hysteresis: float = 0.4
    min_smile: float = 0.12
    min_pause: float = 0.2
    relative: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of state that has been declared.

    Attributes:
        smiling: the new state.
        since: seconds, when the smoothed value passed the threshold for good.
        peak: largest smoothed probability of the smile so far.
    """

    smiling: bool
    since: float
    peak: float


class SmileState:
    """The smile of one track over time."""

    def __init__(self, threshold: float, settings: DecisionSettings) -> None:
        """Begin without a smile.

        Args:
            threshold: the probability around which smiles begin and end.
            settings: temporal smoothing and debouncing.
        """
        self._settings = settings
        self._threshold = log_odds(threshold)
        self._value: float | None = None
        self._time = 0.0
        self._pending_since: float | None = None
        self._peak = 0.0
        self._neutral = NO_SMILE
        self.smiling = False
        self.since = 0.0

    @property
    def smoothed(self) -> float:
        """The smoothed probability of a smile."""
        return 0.0 if self._value is None else 1 / (1 + math.exp(-self._value))

    @property
    def peak(self) -> float:
        """Largest smoothed probability of the present or last smile."""
        return self._peak

    @property
    def intensity(self) -> float:
        """How much of a smile it is, 0 to 1, from nothing (or the track's neutral face) to a full smile."""
        if self._value is None:
            return 0.0
        least = self._neutral if self._settings.relative else NO_SMILE
        return min(1.0, max(0.0, (self._value - least) / max(1.0, FULL_SMILE - least)))

    def update_settings(self, threshold: float, settings: DecisionSettings) -> None:
        """Use other settings from the next frame on."""
        self._settings, self._threshold = settings, log_odds(threshold)

    def update(self, probability: float, time: float) -> StateChange | None:
        """Take the next frame.

        Args:
            probability: of a smile in this frame alone, 0 to 1.
            time: in seconds, not before that of the frame before.

        Returns:
            The change that this frame confirms, if any.
        """
        self._smooth(log_odds(probability), time)
        side = self._hysteresis_side()
        if side is None or side == self.smiling:
            self._pending_since = None
            if self.smiling:
                self._peak = max(self._peak, self.smoothed)
            return None
        if self._pending_since is None:
            self._pending_since = time
            if side:
                self._peak = 0.0
        if side:
            self._peak = max(self._peak, self.smoothed)
        needed = self._settings.min_smile if side else self._settings.min_pause
        if time - self._pending_since < needed - 1e-9:  # times are sums of frame lengths
            return None
        self.smiling, self.since, self._pending_since = side, self._pending_since, None
        return StateChange(side, self.since, self._peak)

    def _smooth(self, value: float, time: float) -> None:
        if self._value is None:
            self._value = value
        else:
            passed = max(0.0, time - self._time)
            share = 1 - math.exp(-passed / self._settings.smoothing) if self._settings.smoothing > 0 else 1.0
            self._value += share * (value - self._value)
            self._learn_neutral(passed)
        self._time = time

    def _learn_neutral(self, passed: float) -> None:
        """Follow the lower values: quickly down, slowly up, and not during a smile."""
        if self._value is None or self.smiling:
            return
        rate = min(1.0, passed * (1.0 if self._value < self._neutral else NEUTRAL_RATE))
        self._neutral += rate * (self._value - self._neutral)

    def _hysteresis_side(self) -> bool | None:
        """True above the upper threshold, False below the lower one, None within the hysteresis."""
        distance = (self._value or 0.0) - self._threshold
        if distance >= self._settings.hysteresis:
            return True
        return False if distance <= -self._settings.hysteresis else None


def log_odds(probability: float) -> float:
    """Log odds of a probability, clipped to ``LIMIT`` on both sides."""
    least = 1 / (1 + math.exp(LIMIT))
    clipped = min(1 - least, max(least, probability))
    return math.log(clipped / (1 - clipped))

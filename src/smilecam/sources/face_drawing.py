"""A face drawn from formulas, of nobody: the real detectors find it, and the real networks read its smile.

Lengths are in half heights of the face: x grows to the right and y downward from a point between the eyes and the
nose, and the chin lies near y = 1. The constants were set by eye; no search was needed. After a change run
``benchmarks/synthetic_face.py``: faces of 60 to 380 pixels in 640x480 were all found by both detectors (n = 900 each),
and both packaged networks gave a broad smile a probability of .968 and more, a neutral face .029 and less.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from smilecam.opencv import cv2
from smilecam.types import Image

_Field: TypeAlias = npt.NDArray[Any]
"""Floats for each pixel, or for each row or column of them."""

LEFT, TOP, RIGHT, BOTTOM = -1.75, -1.55, 1.75, 2.0
"""Edges of the drawing. Its last row is the shirt, which may be continued downward as far as needed."""

BOX_SIDE = 1.92
"""Side of the box that the frontal-face cascade puts around the origin."""

STEPS = 20
"""A smile is drawn in steps of 1 / STEPS."""

_SKIN = np.array([0.53, 0.62, 0.79], np.float32)  # colours are blue-green-red, 1 the brightest
_SKIN_IN_SHADOW = 0.72
_LIP = np.array([0.50, 0.47, 0.75], np.float32)
_HAIR = np.array([0.12, 0.15, 0.19], np.float32)
_SHIRT = np.array([0.52, 0.38, 0.30], np.float32)
_IRIS = np.array([0.22, 0.26, 0.30], np.float32)
_GREY = np.ones(3, np.float32)
_EYE_X, _EYE_Y, _EYE_WIDTH = 0.36, -0.24, 0.155
_BROW_Y = -0.44
_MOUTH_Y = 0.56
_BLUR = 0.014


class _Canvas:
    """Pixels that are painted and shaded in place, and where they lie."""

    def __init__(self, x: _Field, y: _Field, colour: _Field, alpha: _Field) -> None:
        self.x, self.y, self.colour, self.alpha = x, y, colour, alpha
        self.side = np.abs(x)
        """Distance from the middle: what is drawn by it is drawn on both sides."""

    @classmethod
    def blank(cls, scale: float) -> Self:
        """Of ``scale`` pixels a unit, transparent."""
        columns, rows = round((RIGHT - LEFT) * scale), round((BOTTOM - TOP) * scale)
        x = (np.arange(columns, dtype=np.float32)[None] + np.float32(0.5)) / np.float32(scale) + np.float32(LEFT)
        y = (np.arange(rows, dtype=np.float32)[:, None] + np.float32(0.5)) / np.float32(scale) + np.float32(TOP)
        return cls(x, y, np.zeros((rows, columns, 3), np.float32), np.zeros((rows, columns), np.float32))

    def copy(self) -> _Canvas:
        return _Canvas(self.x, self.y, self.colour.copy(), self.alpha.copy())

    def region(self, side: float, top: float, bottom: float) -> _Canvas:
        """The same pixels, as far as they lie between these edges: cheaper to draw on."""
        rows = slice(*np.searchsorted(self.y[:, 0], (top, bottom)).tolist())
        columns = slice(*np.searchsorted(self.x[0], (-side, side)).tolist())
        return _Canvas(self.x[:, columns], self.y[rows], self.colour[rows, columns], self.alpha[rows, columns])

    def paint(self, mask: _Field, colour: _Field) -> None:
        """Cover with a colour as far as the mask (0 to 1) goes; colours are kept multiplied by alpha."""
        self.colour += mask[..., None] * (colour - self.colour)
        self.alpha += mask * (1 - self.alpha)

    def shade(self, mask: _Field, by: float) -> None:
        """Make brighter (``by`` > 0) or darker as far as the mask goes."""
        self.colour *= (1 + np.float32(by) * mask)[..., None]

    def shade_spot(self, x: float, y: float, width: float, height: float, by: float) -> None:
        """Shade softly about one point."""
        self.shade(_spot(self.x, self.y, (x, y), (width, height)), by)

    def shade_both(self, x: float, y: float, width: float, height: float, by: float) -> None:
        """Shade softly about one point on each side."""
        self.shade(_spot(self.side, self.y, (x, y), (width, height)), by)


@lru_cache(maxsize=32)
def draw_bust(scale: float, step: int) -> Image:
    """A head with shoulders.

    Args:
        scale: pixels a unit.
        step: of the smile, from 0 (the mouth closed and at rest) to ``STEPS`` (a broad smile that shows teeth).

    Returns:
        uint8 (height, width, 4), read-only: blue, green and red multiplied by alpha, and alpha.
    """
    smile = step / STEPS
    canvas = _without_expression(scale).copy()
    _draw_relief(canvas.region(0.9, -0.9, 1.1), smile)
    _draw_eyes(canvas.region(0.66, -0.62, 0.06), smile)
    _draw_brows(canvas.region(0.66, -0.62, -0.25), smile)
    _draw_mouth(canvas.region(0.56, 0.3, 0.95), smile)
    _draw_fringe(canvas.region(1.1, TOP, 0.5))
    layers = np.dstack([np.minimum(canvas.colour, canvas.alpha[..., None]), canvas.alpha])
    drawn = np.rint(255 * cv2.GaussianBlur(layers, (0, 0), max(0.3, _BLUR * scale))).astype(np.uint8)
    drawn.setflags(write=False)
    return drawn


@lru_cache(maxsize=4)
def _without_expression(scale: float) -> _Canvas:
    canvas = _Canvas.blank(scale)
    _draw_body(canvas)
    _draw_head(canvas.region(1.1, TOP, 1.2))
    return canvas


def _draw_body(canvas: _Canvas) -> None:
    x, y, side = canvas.x, canvas.y, canvas.side
    canvas.paint(_ellipse(x, y, (0, -0.35), (0.98, 1.08), 0.06), _HAIR * 0.8)
    slope = 0.75 * np.maximum(0, side - 0.35) ** 2 + 10 * np.maximum(0, side - 1.3) ** 2
    shirt = 1 - 0.3 * np.clip(side - 0.3, 0, 1)
    canvas.paint(_inside(1.28 + slope - y, 0.06), _SHIRT * shirt[..., None])
    wide = 0.38 + 0.5 * np.maximum(0, y - 1.1) ** 2
    neck = _inside(np.maximum(side - wide, y - 1.48 + 0.8 * side**2), 0.05) * (y > 0)
    canvas.paint(neck, _SKIN * _SKIN_IN_SHADOW)
    canvas.shade_spot(0, 1.0, 0.42, 0.16, -0.25)  # the chin's shadow


def _draw_head(canvas: _Canvas) -> None:
    x, y = canvas.x, canvas.y
    canvas.paint(_ellipse(canvas.side, y, (0.80, -0.08), (0.10, 0.22), 0.03), _SKIN * _SKIN_IN_SHADOW)
    wide = 0.80 - 0.10 * np.clip(y, 0, 1) ** 2
    out = np.sqrt((x / wide) ** 2 + (y / 1.02) ** 2)
    towards = np.sqrt(np.clip(1 - out**2, 0, 1))  # how far the round face turns to the viewer
    lit = 1 - 0.35 * (1 - towards) ** 1.5 - 0.10 * x - 0.10 * y
    canvas.paint(_inside((out - 1) * 0.8, 0.04), _SKIN * lit[..., None])


def _draw_relief(canvas: _Canvas, smile: float) -> None:
    side, y = canvas.side, canvas.y
    canvas.shade_both(_EYE_X - 0.04, _EYE_Y - 0.03, 0.22, 0.12, -0.30)  # sockets of the eyes
    canvas.shade_spot(0, -0.62, 0.40, 0.18, 0.08)  # forehead
    canvas.shade_spot(0, -0.02, 0.06, 0.25, 0.13)  # nose: its bridge, sides, tip, shadow, wings, nostrils
    canvas.shade_both(0.15, 0.04, 0.06, 0.22, -0.13)
    canvas.shade_spot(0, 0.20, 0.10, 0.07, 0.13)
    canvas.shade_spot(0, 0.325, 0.17, 0.045, -0.22)
    canvas.shade_both(0.17 + 0.02 * smile, 0.24, 0.04, 0.07, -0.18)
    canvas.shade_both(0.085, 0.285, 0.045, 0.025, -0.5)
    canvas.shade_both(0.44, 0.20 - 0.06 * smile, 0.17, 0.14, 0.05 + 0.10 * smile)  # cheeks, raised by a smile
    canvas.shade_both(0.42, 0.05 - 0.03 * smile, 0.18, 0.05, -0.12 * smile)
    descent = np.clip((y - 0.24) / 0.34, 0, 1)  # folds from the nose to the corners of the mouth
    fold = np.exp(-(((side - 0.21 - (0.12 + 0.13 * smile) * descent) / 0.035) ** 2))
    ends = np.clip((y - 0.2) / 0.08, 0, 1) * np.clip((0.62 - y) / 0.12, 0, 1)
    canvas.shade(fold * ends, -0.03 - 0.19 * smile)
    canvas.shade_spot(0, _MOUTH_Y + 0.17 + 0.03 * smile, 0.2, 0.05, -0.15)  # under the lip
    canvas.shade_spot(0, 0.86, 0.18, 0.08, 0.08)  # chin


def _draw_eyes(canvas: _Canvas, smile: float) -> None:
    side, y = canvas.side, canvas.y
    centre, half = _EYE_Y + 0.01 * smile, 0.085 * (1 - 0.45 * smile)
    across = np.clip((side - _EYE_X) / _EYE_WIDTH, -1, 1)
    upper = centre - half * (1 - across**2)
    lower = centre + 0.75 * half * (1 - across**2) - 0.01 * across
    opening = _band(upper, lower, y) * _inside(np.abs(side - _EYE_X) - _EYE_WIDTH, 0.02)
    canvas.paint(opening, _GREY * 0.8)
    for radius, colour in ((0.072, _IRIS), (0.036, _GREY * 0.05)):
        canvas.paint(_ellipse(side, y, (_EYE_X, centre - 0.01), (radius, radius), 0.02) * opening, colour)
    for x in (-_EYE_X, _EYE_X):  # the light comes from the left for both
        canvas.paint(_ellipse(canvas.x, y, (x - 0.02, centre - 0.035), (0.014, 0.014), 0.015) * opening, _GREY)
    lids = _inside(np.abs(side - _EYE_X) - _EYE_WIDTH - 0.01, 0.03)
    canvas.shade(_line(y - upper, 0.022) * lids, -0.6)
    canvas.shade(_line(y - lower, 0.02) * lids, -0.2)
    canvas.shade(_line(y - lower - 0.07, 0.03) * lids, -0.12 - 0.10 * smile)


def _draw_brows(canvas: _Canvas, smile: float) -> None:
    across = np.clip((canvas.side - _EYE_X) / 0.24, -1.2, 1.2)
    arch = _BROW_Y - 0.01 * smile + 0.05 * across**2 + 0.012 * across
    thick = 0.036 - 0.014 * across
    ends = _inside(np.abs(canvas.side - _EYE_X) - 0.23, 0.06)
    canvas.shade(_inside(np.abs(canvas.y - arch) - thick, 0.04) * ends, -0.55)


def _draw_mouth(canvas: _Canvas, smile: float) -> None:
    x, y, side = canvas.x, canvas.y, canvas.side
    width, curve = 0.25 + 0.18 * smile, -0.01 + 0.17 * smile
    corner = _MOUTH_Y - 0.06 * smile - 0.35 * curve
    arch = 1 - np.clip(x / width, -1, 1) ** 2
    upper = corner + 0.55 * curve * arch
    lower = upper + 0.13 * smile * arch
    lip, across = 0.06 * (1 - 0.15 * smile), _inside(side - width, 0.03)
    bow = 0.25 * np.exp(-((x / 0.06) ** 2))
    canvas.paint(_band(upper - lip * (0.85 - bow) * arch**0.6, upper, y, 0.025) * across, _LIP * 0.72)
    canvas.paint(_band(lower, lower + lip * 1.2 * arch**0.8, y, 0.025) * across, _LIP * 0.84)
    canvas.shade(_line(y - lower - lip * 0.5, 0.02) * np.exp(-((2 * x / width) ** 2)), 0.12)
    opened = np.float32(min(1.0, 3 * smile))
    canvas.paint(_band(upper, lower, y) * across * opened, _GREY * 0.12)
    gaps = np.exp(-((((side / 0.085) % 1 - 0.5) / 0.12) ** 2))
    teeth = 0.92 * (1 - 0.10 * gaps) * (0.65 + 0.35 * arch)
    row = _band(upper, upper + 0.82 * (lower - upper), y) * _inside(side - 0.86 * width, 0.06)
    canvas.paint(row * across * opened, _GREY * teeth[..., None])
    canvas.shade(_line(y - upper, 0.014) * across, -0.6 + 0.36 * float(opened))
    canvas.shade_both(width, corner, 0.04, 0.035, -0.20)


def _draw_fringe(canvas: _Canvas) -> None:
    x, y, side = canvas.x, canvas.y, canvas.side
    out = np.sqrt((x / 0.96) ** 2 + ((y + 0.30) / 1.08) ** 2)
    edge = -0.66 - 0.12 * np.cos(2.2 * (x - 0.25)) + 3 * np.maximum(0, side - 0.55) ** 1.5
    strands = 1 + 0.25 * np.sin(38 * x + 5 * y) * np.sin(9 * x - 2 * y)
    shine = 1 + 0.9 * _line(y + 1.05 - 0.35 * x**2, 0.10)
    canvas.paint(_inside(out - 1, 0.05) * _inside(y - edge, 0.06), _HAIR * (strands * shine)[..., None])


def _inside(distance: _Field, soft: float) -> _Field:
    """1 where a distance to an edge is negative, 0 where it is positive, and a slope of width ``soft`` between."""
    mask: _Field = np.clip(0.5 - distance / np.float32(soft), 0, 1)
    return mask


def _band(upper: _Field, lower: _Field, y: _Field, soft: float = 0.02) -> _Field:
    return _inside(np.maximum(upper - y, y - lower), soft)


def _line(distance: _Field, width: float) -> _Field:
    mask: _Field = np.exp(-((distance / np.float32(width)) ** 2))
    return mask


def _ellipse(x: _Field, y: _Field, centre: tuple[float, float], radii: tuple[float, float], soft: float) -> _Field:
    out = np.sqrt(((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2)
    return _inside((out - 1) * min(radii), soft)


def _spot(x: _Field, y: _Field, centre: tuple[float, float], radii: tuple[float, float]) -> _Field:
    return _line(x - centre[0], radii[0]) * _line(y - centre[1], radii[1])

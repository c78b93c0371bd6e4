"""Settings of the face detectors. Apart from the detectors, so that asking for a default loads no OpenCV."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What every detector lets a caller choose.

    Attributes:
        detection_size: the image is reduced until its longer side has this many pixels; larger finds smaller faces
            and is slower.
    """

    detection_size: int


@dataclass(frozen=True, slots=True)
class HaarSettings(DetectorSettings):
    """Settings of the Haar cascade.

    Attributes:
        detection_size: longer side of the reduced image, in pixels. Time grows with its square, and the smallest face
            found is 24 pixels of the reduced image: at 480, 1/20 of the image's longer side; at 960, 1/40.
        scale_factor: step between the levels of the image pyramid; nearer to 1 finds more and takes longer.
        min_neighbors: a box is proposed when at least this many overlapping windows saw a face; more means fewer
            false positives and fewer true ones.
        min_confidence: a face is kept when its ``confidence`` reaches this, 0 to 1.
        two_passes_to: up to this ``detection_size`` a coarse pass chooses where the cascade runs (``coarse_to_fine``),
            in half the time; 0 for never.
    """

    detection_size: int = 480
    scale_factor: float = 1.15
    min_neighbors: int = 1
    min_confidence: float = 0.6
    two_passes_to: int = 0


HAAR_FOR_STREAMS = HaarSettings(scale_factor=1.2)
"""For videos and cameras: quick, and faces that matter there are near. On clips it finds as many as the defaults do."""

HAAR_THOROUGH = HaarSettings(scale_factor=1.1)
"""For a stream while nobody is known in it: with the larger step some faces fall between two sizes for seconds.

On 9 group pictures of dlib it finds 40 of 43 faces instead of 39, with no false box instead of one; it takes 1.7 times
as long (benchmarks/detection.py).
"""

HAAR_FOR_IMAGES = HaarSettings(detection_size=960, two_passes_to=640)
"""For single images, where faces of a group can be small and nobody waits for the next frame. Who chooses a small size
wants speed, and gets two passes."""


@dataclass(frozen=True, slots=True)
class YuNetSettings(DetectorSettings):
    """Settings of YuNet.

    Attributes:
        detection_size: longer side of the reduced image, in pixels. Time grows with its square; faces are found from
            about 10 pixels of the reduced image. Of 185 faces of 40 pixels and more in 1080p that 1600 finds with
            high confidence, 640 finds 96.8 %, 800 98.9 %, 960 all.
        min_confidence: a face is kept when its ``confidence`` reaches this, 0 to 1.
        iou_threshold: of two boxes with a larger IoU, non-maximum suppression drops the less confident.
    """

    detection_size: int = 960
    min_confidence: float = 0.6
    iou_threshold: float = 0.3


YUNET_FOR_STREAMS = YuNetSettings()
"""For videos and cameras."""

YUNET_FOR_IMAGES = YuNetSettings(detection_size=1600)
"""For single images, where faces of a group can be small and nobody waits for the next frame."""

"""A camera in a window, drawn with OpenCV: your own boxes and words instead of smilecam's.

    python examples/webcam.py                          # the first camera; Escape ends it
    python examples/webcam.py clip.mp4 --save marked.mp4    # any source, into a video

smilecam installs OpenCV without windows (opencv-python-headless), so the window is Python's own, tkinter.
"""

from __future__ import annotations

import argparse
import tkinter
from collections.abc import Callable

import cv2
import numpy as np

import smilecam

GREEN, GREY = (80, 180, 60), (150, 150, 150)  # blue-green-red


def draw(item: smilecam.StreamItem) -> np.ndarray:
    """The frame with a circle around each face, and a word below it."""
    canvas = item.image.copy()
    for face in item.faces:
        colour = GREEN if face.smiling else GREY
        centre = ((face.box.x1 + face.box.x2) // 2, (face.box.y1 + face.box.y2) // 2)
        cv2.circle(canvas, centre, face.box.width * 6 // 10, colour, 3, cv2.LINE_AA)
        words = f"{face.track}: smiling" if face.smiling else f"{face.track}"
        cv2.putText(canvas, words, (face.box.x1, face.box.y2 + 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, 2)
    return canvas


class Window:
    """A window that shows images; ``show`` returns False once it has been closed."""

    def __init__(self, title: str) -> None:
        """Open it."""
        self._root = tkinter.Tk()
        self._root.title(title)
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._open = True
        self._root.bind("<Escape>", lambda _event: self._close())
        self._root.protocol("WM_DELETE_WINDOW", self._close)

    def _close(self) -> None:
        self._open = False

    def show(self, image: np.ndarray) -> bool:
        """Show an image, uint8 (height, width, 3), blue-green-red."""
        content = cv2.imencode(".ppm", image)[1].tobytes()
        self._photo = tkinter.PhotoImage(data=content, format="PPM")  # kept, or it would vanish
        self._label.configure(image=self._photo)
        self._root.update()
        return self._open


class Recorder:
    """The same, into a video file."""

    def __init__(self, path: str, fps: float) -> None:
        """Remember where; the file begins with the first image, which says how large it is."""
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def show(self, image: np.ndarray) -> bool:
        """Add an image."""
        if self._writer is None:
            size = image.shape[1], image.shape[0]
            self._writer = cv2.VideoWriter(self._path, cv2.VideoWriter.fourcc(*"mp4v"), self._fps, size)
        self._writer.write(image)
        return True

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()


def run(source: str | int, show: Callable[[np.ndarray], bool]) -> int:
    """Draw each frame and show it, until the source ends or the window is closed; give the number of frames."""
    frames = 0
    with smilecam.SmileDetector() as detector:
        for item in detector.stream(source):
            if item.image is None:  # events between frames, such as a camera that was lost
                continue
            frames += 1
            if not show(draw(item)):
                break
    return frames


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="0", help="index of a camera, path or address")
    parser.add_argument("--save", help="video to write (.mp4), instead of a window")
    parser.add_argument("--fps", type=float, default=25, help="frames per second of that video")
    arguments = parser.parse_args()
    if arguments.save:
        recorder = Recorder(arguments.save, arguments.fps)
        frames = run(arguments.source, recorder.show)
        recorder.close()
        print(f"{frames} frames: {arguments.save}")
    else:
        run(arguments.source, Window("smilecam").show)


if __name__ == "__main__":
    main()

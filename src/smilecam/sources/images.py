"""Image files: reading and writing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smilecam.errors import OutputError, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2, max_pixels
from smilecam.sources.heif import decode_heif, is_heif
from smilecam.storage import write_bytes
from smilecam.types import GreyImage, Image

WRITABLE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})

MAX_FILE_BYTES = 512 * 2**20

JPEG_START = b"\xff\xd8"


def check_file(path: Path) -> int:
    """Check that a file can be read and is not empty.

    Returns:
        Its size in bytes.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: it is empty, no file, or may not be read.
    """
    try:
        if not path.is_file():
            raise SourceUnreadable(f"{path} is not a file") if path.exists() else SourceNotFound(f"no file at {path}")
        size = path.stat().st_size
        if size == 0:  # and so are files of a system's own, as in /proc; reading one may never end
            raise SourceUnreadable(f"{path} is empty")
        with path.open("rb") as file:
            file.read(1)
        return size
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error


def read_file(path: Path) -> bytes:
    """Read the bytes of an image file.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: it is empty, too large, no file, or cannot be read.
    """
    if check_file(path) > MAX_FILE_BYTES:
        raise SourceUnreadable(f"{path} is over the limit of {MAX_FILE_BYTES // 2**20} MiB for an image")
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror or error}") from error


def load_image(path: str | Path) -> Image:
    """Read an image, made upright by its EXIF orientation.

    Args:
        path: of the file.

    Returns:
        uint8 (height, width, 3), blue-green-red.

    Raises:
        SourceNotFound: nothing is there.
        SourceUnreadable: it is no image, is damaged or cut short, has more than 100 million pixels (the environment
            variable OPENCV_IO_MAX_IMAGE_PIXELS sets another limit), or is in the format HEIC, and the extra "heif" is
            missing.
    """
    content = read_file(Path(path))
    if is_heif(content):  # also under the name of another format: phones and messengers rename files
        return decode_heif(content, Path(path))
    return _decode(content, Path(path), cv2.IMREAD_COLOR)


class JpegImage:
    """A JPEG file, decoded in grey alone until someone asks for colours, which take three times as long.

    It is the file's own luma: what a conversion from colours gives, but for rounding (a hundredth of a grey value in
    the mean).
    """

    __slots__ = ("_content", "_grey", "_path")

    def __init__(self, content: bytes, path: Path) -> None:
        """Decode the grey image, upright.

        Args:
            content: the whole file.
            path: its name in errors.

        Raises:
            SourceUnreadable: as of ``load_image``.
        """
        self._content, self._path = content, path
        self._grey = _decode(content, path, cv2.IMREAD_GRAYSCALE)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright image."""
        height, width = self._grey.shape
        return height, width

    @property
    def held_pixels(self) -> int:
        """Pixels of the image."""
        return self._grey.size

    @property
    def has_luma(self) -> bool:
        """The grey image is its own luma plane."""
        return True

    def colour(self) -> Image:
        """uint8 (height, width, 3), blue-green-red."""
        return _decode(self._content, self._path, cv2.IMREAD_COLOR)

    def grey(self) -> GreyImage:
        """uint8 (height, width)."""
        return self._grey

    def luma(self) -> GreyImage:
        """The same as ``grey``."""
        return self._grey

    def full_range(self, luma: GreyImage) -> GreyImage:
        """The same array: JPEG files have the full range."""
        return luma

    def sampled_luma(self, step: int) -> GreyImage:
        """Every so many-th pixel of ``luma``, across and down."""
        return self._grey[::step, ::step]


def open_image(path: Path) -> Image | JpegImage:
    """Read an image as ``load_image`` does, with its errors; the colours of a JPEG file only when they are used."""
    content = read_file(path)
    return JpegImage(content, path) if content.startswith(JPEG_START) else load_image(path)


def _decode(content: bytes, path: Path, mode: int) -> Image:
    try:
        image = None if is_cut_jpeg(content) else cv2.imdecode(np.frombuffer(content, np.uint8), mode)
    except cv2.error as error:
        if "MAX_IMAGE" in str(error):  # the name of OpenCV's limits on pixels, width and height
            raise SourceUnreadable(f"{path} has more than {max_pixels():,} pixels") from error
        raise SourceUnreadable(f"{path} is not an image, or is damaged") from error
    if image is None:
        raise SourceUnreadable(f"{path} is not an image, or is damaged or cut short")
    return np.asarray(image, np.uint8)


def is_cut_jpeg(content: bytes) -> bool:
    """Whether this is a JPEG file that ends too early; older OpenCV fills the rest of the image with grey.

    Only what follows the header counts: a thumbnail inside it has an end marker of its own.
    """
    at = len(JPEG_START)
    if content[:at] != JPEG_START:
        return False
    while content[at : at + 1] == b"\xff":
        if content[at + 1 : at + 2] == b"\xff":  # any number of these may stand before a marker
            at += 1
            continue
        marker, length = content[at + 1 : at + 2], int.from_bytes(content[at + 2 : at + 4], "big")
        at += 2 if marker == b"\x01" or b"\xd0" <= marker <= b"\xd7" else 2 + length  # these have no content
        if marker == b"\xda":  # start of scan: compressed data follows, in which no end marker can occur
            return content.rfind(b"\xff\xd9", at) < 0  # from the end, where a whole file has it
    return at >= len(content)  # an unknown header is left to OpenCV


def save_image(path: Path, image: Image) -> None:
    """Write an image in the format of its suffix, whole or not at all.

    Args:
        path: of the file.
        image: uint8 (height, width, 3), blue-green-red, or (height, width) grey.

    Raises:
        OutputError: the suffix is not known, or the file cannot be written.
    """
    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        raise OutputError(f"cannot write {path}: an image's name ends in {', '.join(sorted(WRITABLE_SUFFIXES))}")
    try:
        done, content = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise OutputError(f"cannot write {path}: the image does not fit its format") from error
    if not done:
        raise OutputError(f"cannot write {path}: the image does not fit its format")
    write_bytes(path, content.tobytes())

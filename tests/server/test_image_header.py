import hostile
import numpy as np
import pytest

from smilecam.opencv import cv2
from smilecam.server.decoding.header import MAX_SCANS, read_header


def encoded(image, form, *options):
    return cv2.imencode(form, image, list(options))[1].tobytes()


@pytest.mark.parametrize(
    ("form", "options", "scans", "simple"),
    [
        (".jpg", (), 1, True),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), None, False),
        (".png", (), 1, False),
        (".webp", (), 1, False),
    ],
)
def test_what_a_header_declares(noise, form, options, scans, simple):
    header = read_header(encoded(noise, form, *options))
    assert (header.width, header.height) == (320, 240)
    assert header.simple is simple
    assert header.scans == scans if scans else 2 < header.scans < 20


def test_only_small_tidy_jpegs_are_simple(noise):
    plain = encoded(noise, ".jpg")
    assert not read_header(encoded(np.zeros((2500, 2500), np.uint8), ".jpg")).simple
    assert not read_header(plain[:20] + b"\x00" + plain[20:]).simple  # decoders skip such bytes each in their way
    assert not read_header(plain[:-2] + 4 * b"\xff\xda" + plain[-2:]).simple
    assert read_header(hostile.scan_bomb(500, 64)).scans > MAX_SCANS


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBPVP8 "])
def test_what_is_no_image_has_no_header(content):
    assert read_header(content) is None

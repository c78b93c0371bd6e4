"""Files that are harder than most, made here: what PyAV reads, and how exactly."""

import itertools
import os
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import encode, graded
from smilecam.errors import SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sources.base import SourceOptions
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources


def test_pyav_is_loaded_for_videos_alone(tmp_path, astronaut):
    cv2.imwrite(str(tmp_path / "a.png"), astronaut)
    code = (
        "import sys, smilecam, smilecam.cli.detect, smilecam.cli.watch, smilecam.sinks.annotated;"
        "from smilecam.cli.main import call; call(['detect', 'a.png', '--save', 'b.png']); print('av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "False"
    assert (tmp_path / "b.png").exists()


def read(path):
    """The source after its end, and its frames."""
    with open_source(find_sources(path)[0]) as source:
        return source, list(source)


def read_by_opencv(path):
    """Times and images, decoded in another way."""
    capture, times, images = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), [], []
    while True:
        done, image = capture.read()
        if not done:
            return times, images
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        images.append(image)


def distance(one, other):
    return np.abs(one.astype(float) - other).mean()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate_is_exact(tmp_path, suffix):
    ticks = [0, 1, 5, 6, 20, 21, 50, 51]
    base = Fraction(1, 25)
    path = encode(tmp_path / f"uneven{suffix}", [graded(n) for n in range(8)], pts=ticks, time_base=base)
    _, frames = read(path)
    assert [frame.time for frame in frames] == [float(tick * base) for tick in ticks]


def test_thirds_of_a_second_do_not_drift(tmp_path):
    base = Fraction(1001, 30000)
    path = encode(tmp_path / "ntsc.mp4", [graded(n) for n in range(200)], time_base=base)
    _, frames = read(path)
    assert [frame.time for frame in frames] == [float(n * base) for n in range(200)]


MATRICES = {
    "as it is": (1, 0, 0, 1),
    "quarter": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "three quarters": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
}
TURNED = {
    "as it is": lambda image: image,
    "quarter": lambda image: np.rot90(image, -1),
    "half": lambda image: np.rot90(image, 2),
    "three quarters": lambda image: np.rot90(image, 1),
    "mirrored": lambda image: image[:, ::-1],
}


def write_matrix(path, a, b, c, d):
    """Write a display matrix into a track's header: 16.16 fixed point, and 2.30 in the third column."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # version 0: 40 bytes before the matrix
    unity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    assert content[at : at + 36] == unity
    content[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.mark.parametrize("name", MATRICES)
def test_rotation_is_honoured(tmp_path, name):
    picture = graded(3)
    path = encode(tmp_path / "turned.mp4", [picture] * 3)
    write_matrix(path, *MATRICES[name])
    upright = TURNED[name](picture)
    _, frames = read(path)
    assert frames[2].image.shape == upright.shape
    assert distance(frames[2].image, upright) < 4
    assert distance(frames[2].grey, cv2.cvtColor(np.ascontiguousarray(upright), cv2.COLOR_BGR2GRAY)) < 3
    if name != "mirrored":  # OpenCV does not mirror
        assert distance(read_by_opencv(path)[1][2], frames[2].image) < 1


FORMS = {
    "8 bit": ("libx264", "yuv420p", ".mp4"),
    "full range": ("mjpeg", "yuvj420p", ".avi"),
    "10 bit": ("libx264", "yuv420p10le", ".mp4"),
    "4:4:4": ("libx264", "yuv444p", ".mkv"),
    "10 bit, 4:2:2": ("ffv1", "yuv422p10le", ".mkv"),
    "RGB": ("ffv1", "bgr0", ".mkv"),
    "grey": ("ffv1", "gray", ".mkv"),
    "16 bit grey": ("ffv1", "gray16le", ".mkv"),
    "see-through": ("ffv1", "yuva420p", ".mkv"),
}


@pytest.mark.parametrize("size", [(64, 96), (61, 97)], ids=["even", "odd"])
@pytest.mark.parametrize("name", FORMS)
def test_forms_of_pixels(tmp_path, name, size):
    codec, form, suffix = FORMS[name]
    if size == (61, 97) and codec == "libx264" and "420" in form:
        codec, suffix = "ffv1", ".mkv"  # x264 does not take odd sides
    pictures = [graded(n, size) for n in range(4)]
    path = encode(tmp_path / f"form{suffix}", pictures, codec=codec, form=form, options={"qscale": "1", "crf": "5"})
    _, frames = read(path)
    assert len(frames) == 4
    for picture, frame in zip(pictures, frames, strict=True):
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        wanted = np.repeat(grey[..., None], 3, axis=2) if form.startswith("gray") else picture
        assert frame.image.shape == picture.shape
        assert distance(frame.image, wanted) < 6
        assert frame.grey.shape == size
        assert distance(frame.grey, grey) < 3
        assert distance(frame.grey, cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)) < 2


def test_grey_is_the_plane_itself_where_it_can_be(tmp_path):
    path = encode(tmp_path / "full.avi", [graded(n) for n in range(3)], codec="mjpeg", form="yuvj420p")
    _, frames = read(path)
    grey = frames[1].grey
    assert not grey.flags.owndata
    assert not grey.flags.writeable  # the decoder's own memory
    assert cv2.resize(grey, (10, 10)).shape == (10, 10)


def test_grey_of_real_clips_is_that_of_their_colours(videos):
    for name in ("pyfeat_single_face.mp4", "intel_asl_no.mkv", "facenetpt_video.mp4"):
        with open_source(find_sources(videos / name)[0]) as source:
            for frame, _ in zip(source, range(5), strict=False):
                difference = np.abs(frame.grey.astype(int) - cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY))
                assert np.mean(difference <= 2) > 0.99


def test_same_frames_and_times_as_opencv(videos):
    for name in ("pyfeat_single_face.mp4", "pyfeat_noface_face.mov", "intel_asl_yes.mkv", "intel_classroom.gif"):
        (_, ours), (times, images) = read(videos / name), read_by_opencv(videos / name)
        assert [frame.time for frame in ours] == pytest.approx(times, abs=1e-6)
        assert all(distance(a.image, b) < 5 for a, b in zip(ours[::20], images[::20], strict=True))


def test_frames_that_the_file_says_to_skip_are_not_missing(videos):
    source, frames = read(videos / "pyfeat_no_face.mp4")
    assert (len(frames), source.expected, source.missing) == (95, 98, 0)


def add_sound(output, seconds, at=0):
    stream = output.add_stream("aac", rate=48_000, layout="mono")
    samples = np.zeros((1, int(48_000 * seconds)), np.float32)
    for first in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(samples[:, first : first + 1024], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = 48_000, first + at, Fraction(1, 48_000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def test_pictures_keep_their_distance_to_the_sound(tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as output:
        film = output.add_stream("mpeg4", rate=10)
        film.height, film.width, film.pix_fmt = 64, 96, "yuv420p"
        add_sound(output, 1.0)
        for number in range(5, 10):
            frame = av.VideoFrame.from_ndarray(graded(number), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
    _, frames = read(path)
    assert [frame.time for frame in frames] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])


def test_sound_alone(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        add_sound(output, 1.0)
    with pytest.raises(SourceUnreadable, match="holds no video"):
        read(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_no_frames(tmp_path, suffix):
    path = tmp_path / f"none{suffix}"
    with av.open(str(path), "w") as output:
        film = output.add_stream("libx264", rate=10)
        film.height, film.width, film.pix_fmt = 64, 96, "yuv420p"
        output.start_encoding()
    with pytest.raises(SourceUnreadable):
        read(path)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_cut_short(tmp_path, suffix):
    front = {"movflags": "faststart"} if suffix == ".mp4" else None
    codec = "libx264" if suffix != ".avi" else "mpeg4"
    whole = encode(tmp_path / f"whole{suffix}", [graded(n) for n in range(60)], codec=codec, muxing=front)
    assert read(whole)[0].missing == 0
    cut = tmp_path / f"cut{suffix}"
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * 0.6)])
    source, frames = read(cut)
    assert 5 < len(frames) < 60
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert source.counts.received == len(frames)
    if source.expected is not None and suffix != ".ts":  # a transport stream does not know how long it was
        assert source.missing == source.expected - len(frames)
        assert source.expected == 60


def test_damage_is_counted_and_skipped(tmp_path):
    front = {"movflags": "faststart"}
    path = encode(tmp_path / "whole.mp4", [graded(n) for n in range(60)], options={"g": "5"}, muxing=front)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 3, len(content) // 2):
        content[at] = 0xFF
    path.write_bytes(content)
    source, frames = read(path)
    assert 20 < len(frames) < 60
    assert source.counts.corrupt == source.missing == 60 - len(frames)
    assert frames[-1].time == 5.9


def test_frames_over_the_limit_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    path = encode(tmp_path / "large.mkv", [graded(0, (600, 800))], codec="ffv1")
    assert len(read(path)[1]) == 1
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "100000")
    with pytest.raises(SourceUnreadable, match="more than 100,000 pixels"):
        open_source(find_sources(path)[0])


@pytest.mark.parametrize("name", ["100%.mp4", "a:b.mp4", "%04d.mp4", "file:x.mp4", "pipe:0.mp4", "ünï cödé 笑.mp4"])
def test_odd_names(tmp_path, monkeypatch, clip, name):
    if os.name == "nt" and ":" in name:
        pytest.skip("no such names on Windows")
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(clip.read_bytes())
    assert len(read(name)[1]) == 20


def test_names_that_are_no_unicode(tmp_path, clip):
    path = tmp_path / os.fsdecode(b"\xff\xfe.mp4")
    try:
        path.write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("no such names on this system")
    assert len(read(path)[1]) == 20


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nother.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.ts\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 26\n",
    ],
    ids=["HLS", "concat", "SDP"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".sdp"])
def test_lists_open_nothing_else(tmp_path, clip, text, suffix):
    (tmp_path / "other.ts").write_bytes(clip.read_bytes())
    path = tmp_path / f"list{suffix}"
    path.write_text(text)
    with pytest.raises(SourceUnreadable, match="is not a video"):
        read(path)


def decoded(path, threads=0, *, share=False):
    """Number, time and sum of the pixels of each frame; and how many threads decoding began, where that can be seen."""
    tasks = Path("/proc/self/task")
    before = len(list(tasks.iterdir())) if tasks.is_dir() else 0
    with open_source(find_sources(str(path))[0], SourceOptions(decoder_threads=threads)) as source:
        if share:
            source.share_cores()
        frames = [(frame.number, frame.time, int(frame.luma.sum())) for frame in itertools.islice(source, 1)]
        begun = len(list(tasks.iterdir())) - before if tasks.is_dir() else None
    return frames, begun


def test_small_frames_are_decoded_in_one_thread_where_cores_are_shared(tmp_path):
    small = encode(tmp_path / "small.mp4", [graded(number) for number in range(30)])
    large = encode(tmp_path / "large.mp4", [graded(number, (600, 800)) for number in range(30)])
    frames, threads = decoded(small, 4)
    assert decoded(small, share=True) == (frames, None if threads is None else 0)
    assert decoded(small, 4, share=True) == (frames, threads)  # as many as the user has chosen
    if threads is not None and os.cpu_count() > 1:
        assert threads >= 4
        assert decoded(large, share=True)[1] > 1


def test_frames_are_the_same_where_cores_are_shared(videos):
    def read_shared(path):
        with open_source(find_sources(path)[0]) as source:
            source.share_cores()
            return [(frame.number, frame.time, frame.grey.tobytes()) for frame in source]

    path = str(videos / "pyfeat_single_face.mp4")
    with open_source(find_sources(path)[0]) as source:
        assert read_shared(path) == [(frame.number, frame.time, frame.grey.tobytes()) for frame in source]

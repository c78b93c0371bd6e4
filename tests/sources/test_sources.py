"""One contract for every source that opens here, and what is refused."""

import os
import sys
import threading
import time
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from clips import encode, graded
from smilecam import SmileDetector
from smilecam.cli import exit_codes
from smilecam.cli.main import call
from smilecam.errors import SourceEmpty, SourceError, SourceNotFound, SourceUnreadable
from smilecam.opencv import cv2
from smilecam.sinks.video_writer import VideoRecorder
from smilecam.sources import camera, pyav
from smilecam.sources.base import Kind, SourceOptions, SourceRef
from smilecam.sources.camera import CameraSource
from smilecam.sources.images import is_cut_jpeg
from smilecam.sources.open import open_source
from smilecam.sources.resolve import find_sources


@pytest.fixture
def picture_file(tmp_path, astronaut):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), astronaut)
    return path


class RecordedCamera:
    """Stands for cv2.VideoCapture where no camera is: gives frames of a file, then fails."""

    def __init__(self, frames):
        self.frames = list(frames)
        self.released = False

    def get(self, _property):
        return 30.0

    def read(self):
        return (True, self.frames.pop(0)) if self.frames else (False, None)

    def release(self):
        self.released = True


class Given:
    """A source of one kind, and what is known about it."""

    def __init__(self, argument, frames=None, times=None, options=None):
        self.argument, self.frames, self.times, self.options = str(argument), frames, times, options or SourceOptions()

    def open(self):
        (ref,) = find_sources(self.argument)
        return open_source(ref, self.options)


@pytest.fixture
def given_picture(picture_file):
    return Given(picture_file, frames=1)


TENTHS = [n / 10 for n in range(20)]


@pytest.fixture
def given_video(clip):
    return Given(clip, 20, TENTHS)


@pytest.fixture
def given_sequence(tmp_path, noise):
    for number in (7, 8, 9, 10, 12345):
        cv2.imwrite(str(tmp_path / f"frames_{number:04d}.png"), noise)
    return Given(tmp_path / "frames_%04d.png", 5, [n / 25 for n in range(5)])


@pytest.fixture
def given_stdin(clip, monkeypatch, tmp_path):
    import av

    path = tmp_path / "piped.ts"
    with av.open(str(clip)) as read, av.open(str(path), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                write.mux(packet)
    readable, writable = os.pipe()

    def pour():
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(path.read_bytes())

    thread = threading.Thread(target=pour)
    thread.start()
    with os.fdopen(readable, "r") as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        yield Given("-", 20, TENTHS)
        monkeypatch.undo()
    thread.join()


@pytest.fixture
def given_synthetic():
    return Given("synthetic:64x48@20?seconds=0.5", 10, [n / 20 for n in range(10)])


@pytest.fixture
def given_synthetic_face():
    return Given("synthetic:face:64x48@20?seconds=0.5", 10, [n / 20 for n in range(10)])


@pytest.fixture
def given_realtime(clip):
    return Given(clip, options=SourceOptions(realtime=True))


@pytest.fixture
def given_mjpeg(web):
    return Given(web.url("camera"))


@pytest.fixture
def given_http_file(web, clip):
    web.files["clip.mp4"] = clip.read_bytes()
    return Given(web.url("clip.mp4"), 20, TENTHS)


@pytest.fixture
def given_rtsp(rtsp):
    return Given(rtsp.url())


@pytest.fixture
def given_camera(astronaut, monkeypatch):
    class EndlessCamera(RecordedCamera):
        def read(self):
            time.sleep(0.01)
            return True, self.frames[0]

    monkeypatch.setattr(camera, "open_camera", lambda _index: EndlessCamera([astronaut]))
    return Given("0")


KINDS = ["picture", "video", "sequence", "stdin", "synthetic", "synthetic_face", "realtime", "mjpeg"]
KINDS += ["http_file", "rtsp", "camera"]
MOST_FRAMES = 30


def check_frame(frame, live):
    assert frame.image.dtype == np.uint8
    assert frame.image.ndim == 3
    assert frame.image.shape[2] == 3
    assert frame.image is frame.image
    assert frame.grey.dtype == np.uint8
    assert frame.grey.shape == frame.image.shape[:2]
    assert (frame.capture_time is not None) == live


@pytest.mark.parametrize("kind", KINDS)
def test_contract(kind, request):
    given = request.getfixturevalue(f"given_{kind}")
    threads = set(threading.enumerate())
    with given.open() as source:
        frames = list(islice(source, MOST_FRAMES))
        for frame in frames:
            check_frame(frame, source.live)
        numbers, times = ([getattr(frame, of) for frame in frames] for of in ("number", "time"))
        assert numbers == sorted(set(numbers))
        if source.live:
            assert source.counts.received > numbers[-1]
            assert source.counts.dropped >= numbers[-1] + 1 - len(frames)
        else:
            assert numbers == list(range(given.frames))
            assert source.counts.received == given.frames
            assert source.expected in (None, len(frames))
        assert source.missing == source.counts.corrupt == source.counts.reconnects == 0
        if kind == "picture":
            assert times == [None]
        else:
            assert times[0] >= 0
            assert times == sorted(set(times))
        if given.times:
            assert times == pytest.approx(given.times, abs=1e-9)
    assert [thread for thread in threading.enumerate() if thread not in threads and "smilecam" in thread.name] == []


def test_camera_times_come_from_the_clock(monkeypatch, astronaut):
    recorded = RecordedCamera([astronaut] * 2)
    monkeypatch.setattr(camera, "open_camera", lambda _index: recorded)
    ticks = iter([5.0, 5.25, 6.0])
    frames = []
    ref = SourceRef("camera:0", Kind.CAMERA, index=0)
    stops = pytest.raises(SourceUnreadable, match="stopped giving frames")
    with CameraSource(ref, 0, clock=lambda: next(ticks)) as source, stops:
        for frame in source:
            frames.append(frame)
    assert [frame.time for frame in frames] == [0.25, 1.0]
    assert recorded.released


def test_uneven_timestamps_are_kept(videos):
    with open_source(find_sources(str(videos / "pyfeat_noface_face.mov"))[0]) as source:
        times = [frame.time for frame in source]
    steps = np.diff(times)
    assert len(times) == 169
    assert steps.min() > 0
    assert steps.max() > 1.5 * steps.min()


def test_gif_is_a_video(videos):
    with open_source(find_sources(str(videos / "intel_classroom.gif"))[0]) as source:
        assert source.ref.kind is Kind.VIDEO
        assert len(list(source)) == 45


def test_still_gif_is_an_image(write_gif, tmp_path, astronaut, hopper):
    write_gif(tmp_path / "a_still.gif", [astronaut])
    write_gif(tmp_path / "b_moving.GIF", [astronaut, hopper[:512, :512]])
    (tmp_path / "c_cut.gif").write_bytes((tmp_path / "a_still.gif").read_bytes()[:2000])
    refs = find_sources(str(tmp_path))
    assert [ref.kind for ref in refs] == [Kind.IMAGE, Kind.VIDEO, Kind.VIDEO]
    with open_source(refs[0]) as source:
        frames = list(source)
    assert len(frames) == 1
    assert frames[0].time is None
    assert np.abs(frames[0].image.astype(int) - astronaut).mean() < 30


def test_still_gif_is_detected_and_saved_as_an_image(write_gif, tmp_path, astronaut):
    write_gif(tmp_path / "still.gif", [astronaut])
    assert call(["detect", str(tmp_path / "still.gif"), "--save", str(tmp_path / "marked")]) == exit_codes.DONE
    assert [path.name for path in (tmp_path / "marked").iterdir()] == ["still_smiles.png"]


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "thing"])
def test_missing(tmp_path, name):
    with pytest.raises(SourceNotFound, match="no file at"):
        open_source(find_sources(str(tmp_path / name))[0])


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "thing"])
def test_empty(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(SourceUnreadable, match="is empty"):
        open_source(find_sources(str(tmp_path / name))[0])


@pytest.mark.parametrize("name", ["photo.jpg", "clip.mp4", "clip.gif", "thing", "list.m3u8"])
def test_text_under_another_name(tmp_path, name):
    (tmp_path / name).write_text("This is no picture and no video.\n" * 20)
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(tmp_path / name))[0]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_picture_cut_short(tmp_path, astronaut, suffix, share):
    content = cv2.imencode(suffix, astronaut)[1].tobytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SourceUnreadable, match="cut short"):
        open_source(find_sources(str(path))[0])


def test_video_cut_short(tmp_path, clip):
    content = clip.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(path))[0]))


def test_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((12_000, 12_000), np.uint8))[1].tobytes())
    assert path.stat().st_size < 1_000_000
    with pytest.raises(SourceUnreadable, match="more than 100,000,000 pixels"):
        open_source(find_sources(str(path))[0])


def test_picture_of_one_pixel(tmp_path):
    path = tmp_path / "dot.png"
    cv2.imwrite(str(path), np.zeros((1, 1, 3), np.uint8))
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == (1, 1, 3)


def test_playlist_may_not_open_other_files(tmp_path, clip):
    # FFmpeg by itself follows such a list, whatever the file is called.
    path = tmp_path / "list.mp4"
    (tmp_path / "other.mp4").write_bytes(clip.read_bytes())
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    assert cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).isOpened()
    with pytest.raises(SourceUnreadable):
        list(open_source(find_sources(str(path))[0]))


def test_what_is_no_video_is_not_taken_for_one(tmp_path, astronaut):
    import zipfile

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.jpg", cv2.imencode(".jpg", astronaut)[1].tobytes())
    (tmp_path / "numbers.txt").write_text("\n".join(map(str, range(5000))))
    for name in ("photos.zip", "numbers.txt"):
        with pytest.raises(SourceUnreadable):
            list(open_source(find_sources(str(tmp_path / name))[0]))


def test_fill_bytes_in_a_jpeg_are_legal(tmp_path, astronaut):
    content = cv2.imencode(".jpg", astronaut)[1].tobytes()
    path = tmp_path / "fill.jpg"
    path.write_bytes(content[:2] + b"\xff\xff" + content[2:])
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == astronaut.shape


@pytest.mark.parametrize("orientation", [1, 6])
def test_grey_of_a_jpeg_file_is_that_of_its_colours(tmp_path, astronaut, orientation):
    path = tmp_path / "photo.jpg"
    path.write_bytes(exif_jpeg(astronaut[:400], orientation))
    with open_source(find_sources(path)[0]) as source:
        (frame,) = source
    grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
    assert frame.shape == grey.shape == ((400, 512) if orientation == 1 else (512, 400))
    assert frame.image.shape == (*frame.shape, 3)
    difference = np.abs(frame.grey.astype(int) - grey)
    assert difference.mean() < 0.2  # where colours were clipped, the conversion has lost brightness


def test_cut_jpeg_is_told_by_its_markers(astronaut):
    content = cv2.imencode(".jpg", astronaut)[1].tobytes()
    thumbnail = b"\xff\xe1" + (len(content[:200]) + 4).to_bytes(2, "big") + content[:200] + b"\xff\xd9"
    whole = content[:2] + thumbnail + content[2:]
    assert not is_cut_jpeg(whole)
    assert is_cut_jpeg(whole[:-100])
    assert is_cut_jpeg(whole[:100])
    assert not is_cut_jpeg(b"no JPEG")


def test_a_sequence_goes_by_its_numbers(tmp_path, noise):
    for number, level in ((2, 20), (10, 40), (1, 10), (3, 30)):
        cv2.imwrite(str(tmp_path / f"shot{number}.png"), np.full((10, 10, 3), level, np.uint8))
    (tmp_path / "shot4.png").write_text("no picture")
    (tmp_path / "shotX.png").write_text("no number")
    (ref,) = find_sources(tmp_path / "shot%d.png")
    assert ref.kind is Kind.VIDEO
    with open_source(ref) as source:
        frames = list(source)
    assert [frame.image[0, 0, 0] for frame in frames] == [10, 20, 30, 40]
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    assert [frame.time for frame in frames] == [0, 0.04, 0.08, 0.16]
    assert (source.expected, source.missing, source.counts.corrupt) == (5, 1, 1)


def test_a_sequence_of_nothing(tmp_path):
    (tmp_path / "a12.png").touch()
    with pytest.raises(SourceEmpty, match="no images match"):
        find_sources(str(tmp_path / "a%04d.png"))
    with pytest.raises(SourceUnreadable, match="no image of it"):
        list(open_source(find_sources(str(tmp_path / "a%02d.png"))[0]))


def test_files_win_over_everything_else(tmp_path, monkeypatch, picture_file):
    monkeypatch.chdir(tmp_path)
    for name in ("7", "-", "a%04d.png", "synthetic:", "camera:0"):
        (tmp_path / name).write_bytes(picture_file.read_bytes())
        (ref,) = find_sources(name)
        assert (ref.kind, ref.path) == (Kind.IMAGE, Path(name))


def test_devices_are_cameras():
    (ref,) = find_sources("/dev/video42")
    assert (ref.kind, ref.index, ref.name) == (Kind.CAMERA, 42, "/dev/video42")
    with pytest.raises(SourceNotFound, match="no camera opens at index 42"):
        open_source(ref)


def test_digits_name_a_camera_only_where_there_is_no_such_file(tmp_path, monkeypatch, picture_file):
    monkeypatch.chdir(tmp_path)
    assert find_sources("7")[0].kind is Kind.CAMERA
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_bytes(picture_file.read_bytes())
    assert find_sources("7")[0].kind is Kind.IMAGE
    assert find_sources("camera:7")[0].index == 7
    with pytest.raises(SourceNotFound):
        open_source(find_sources(Path("8"))[0])


def test_pattern_over_folders(tmp_path, monkeypatch, picture_file):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.png").write_bytes(picture_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert [ref.path.name for ref in find_sources("a/**/*.png")] == ["c.png"]


def test_time_never_runs_backwards(tmp_path, monkeypatch):
    path = encode(tmp_path / "stutter.mkv", [graded(n) for n in range(5)], time_base=Fraction(1, 25))
    stamps = iter([0, 40, 80, 0, 160])
    monkeypatch.setattr(pyav.AvSource, "_decode", stuttering(pyav.AvSource._decode, stamps))
    source = open_source(find_sources(str(path))[0])
    source.expected = 7
    assert [round(frame.time, 3) for frame in source] == [0.0, 0.04, 0.08, 0.12, 0.16]
    assert source.missing == 2


def stuttering(decode, stamps):
    """A decoder whose frames have other timestamps, in milliseconds."""

    def wrapped(self, packet):
        frames = decode(self, packet)
        for frame in frames:
            frame.pts = next(stamps)
        return frames

    return wrapped


@pytest.mark.parametrize("argument", ["camera:12345678901", "12345678901", "camera:100", "0000100", "9" * 100])
def test_an_index_that_no_camera_has(argument):
    with pytest.raises(SourceNotFound, match=r"^no camera opens at index [0-9]+: it is from 0 to 99$"):
        find_sources(argument)
    assert find_sources("camera:007")[0].index == 7


@pytest.mark.parametrize("index", [12345678901, 100, -1])
def test_a_program_names_no_such_camera_either(index):
    with pytest.raises(SourceNotFound, match="it is from 0 to 99"):
        next(SmileDetector().stream(index))


def test_camera_that_does_not_exist():
    (ref,) = find_sources("63")
    assert ref.kind is Kind.CAMERA
    with pytest.raises(SourceNotFound, match="no camera opens at index 63"):
        open_source(ref)


def exif_jpeg(picture, orientation):
    """A JPEG with an EXIF orientation, written into an APP1 segment by hand."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + b"\x00\x00\x00\x00"
    payload = b"Exif\x00\x00" + tiff
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    return content[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + content[2:]


def test_orientation_is_honoured(tmp_path, astronaut):
    upright = astronaut[:, :400]
    path = tmp_path / "sideways.jpg"
    path.write_bytes(exif_jpeg(np.rot90(upright), 6))  # 6: turn by 90 degrees clockwise to see it upright
    (frame,) = open_source(find_sources(str(path))[0])
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image.astype(int) - upright).mean() < 5


def test_folder_gives_known_files_sorted(tmp_path, picture_file, clip):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.PNG", "a.png", ".hidden.png", "inner/c.png"):
        (folder / name).write_bytes(picture_file.read_bytes())
    (folder / "z.mp4").write_bytes(clip.read_bytes())
    (folder / "notes.txt").write_text("no")
    assert [ref.path.name for ref in find_sources(str(folder))] == ["a.png", "b.PNG", "z.mp4"]
    assert [ref.path.name for ref in find_sources(str(folder), recursive=True)] == ["a.png", "b.PNG", "c.png", "z.mp4"]


def test_folder_or_pattern_with_nothing(tmp_path):
    (tmp_path / "notes.txt").write_text("no")
    for argument in (tmp_path, tmp_path / "*.jpg"):
        with pytest.raises(SourceEmpty, match="no images or videos"):
            find_sources(str(argument))


def test_pattern(tmp_path, picture_file):
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes(picture_file.read_bytes())
    assert [ref.path.name for ref in find_sources(str(tmp_path / "[ot]*.png"))] == ["one.png", "two.png"]


def test_name_that_looks_like_a_pattern_but_exists(tmp_path, picture_file):
    path = tmp_path / "photo[1].png"
    path.write_bytes(picture_file.read_bytes())
    assert find_sources(str(path))[0].path == path


def test_names_in_other_scripts(tmp_path, picture_file, clip):
    for source, name in ((picture_file, "улыбка 笑顔.png"), (clip, "sonrisa ñ.mp4")):
        path = tmp_path / name
        path.write_bytes(source.read_bytes())
        assert len(list(open_source(find_sources(str(path))[0]))) >= 1


def test_unknown_suffix_is_told_by_content(tmp_path, picture_file, clip):
    for source, kind in ((picture_file, Kind.IMAGE), (clip, Kind.VIDEO)):
        path = tmp_path / f"{kind.value}.data"
        path.write_bytes(source.read_bytes())
        (ref,) = find_sources(str(path))
        assert ref.kind is kind
        assert len(list(open_source(ref))) >= 1


def test_device_file_is_refused():
    if not Path("/dev/zero").exists():
        pytest.skip("no device files on this system")
    with pytest.raises(SourceError, match="not a file"):
        open_source(SourceRef("/dev/zero", Kind.VIDEO, Path("/dev/zero")))


def test_video_frames_over_the_limit(tmp_path, monkeypatch, clip):
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "1000")
    with pytest.raises(SourceUnreadable, match="frames of more than 1,000 pixels"):
        open_source(find_sources(str(clip))[0])


def test_recorder_and_source_agree(tmp_path):
    path = tmp_path / "counted.avi"
    with VideoRecorder(path, 25) as recorder:
        for number in range(30):
            recorder.write(np.full((120, 160, 3), number * 8, np.uint8), None)
    with open_source(find_sources(str(path))[0]) as source:
        levels = [float(frame.image.mean()) for frame in source]
    assert np.allclose(levels, np.arange(30) * 8, atol=4)

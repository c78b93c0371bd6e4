"""Following between searches, with a detector of bright squares: the ways through a film are what is tested here."""

import threading
import time

import numpy as np
import pytest

from smilecam.detection.motion import MotionGate
from smilecam.geometry import iou
from smilecam.opencv import cv2
from smilecam.pipeline.prefetch import Prefetcher
from smilecam.pipeline.stats import StatsMeter
from smilecam.sources.base import Counts
from smilecam.tracking.background import BackgroundDetection
from smilecam.tracking.offline import OfflineFaceFinder, OfflineSettings
from smilecam.tracking.online import OnlineFaceFinder, OnlineSettings
from smilecam.types import Box, DetectedFace


class SquareDetector:
    """Finds bright squares, and counts how often it searched a whole picture and how often it looked."""

    name = "squares"

    def __init__(self):
        self.searches = self.looks = 0

    def __call__(self, grey, region=None):
        self.searches += 1
        region = region or Box(0, 0, grey.shape[1], grey.shape[0])
        inside = grey[region.y1 : region.y2, region.x1 : region.x2]
        return sorted(DetectedFace(box.translated(region.x1, region.y1), 0.9) for (box,) in _squares(inside))

    def redetect(self, grey, faces):
        self.looks += len(faces)
        found = []
        for face in faces:
            margin = face.box.width // 3
            x, y = max(0, face.box.x1 - margin), max(0, face.box.y1 - margin)
            window = grey[y : face.box.y2 + margin, x : face.box.x2 + margin]
            inside = [
                DetectedFace(Box(x + b.x1, y + b.y1, x + b.x2, y + b.y2), 0.9)
                for b, *_ in _squares(window)
                if b.width > face.box.width / 2
            ]
            found.append(max(inside, key=lambda other: iou(other.box, face.box), default=None))
        return found


def _squares(grey):
    _, _, stats, _ = cv2.connectedComponentsWithStats((grey > 128).astype(np.uint8))
    return [(Box(x, y, x + w, y + h),) for x, y, w, h, _ in stats[1:].tolist()]


def picture(*boxes):
    image = np.zeros((240, 320), np.uint8)
    for box in boxes:
        image[box.y1 : box.y2, box.x1 : box.x2] = 200
    return image


def square(x, y=40, side=40):
    return Box(x, y, x + side, y + side)


def read_film(film, rate=30.0, settings=None):
    """The faces of each picture, read stretch by stretch; and the detector."""
    detector = SquareDetector()
    finder = OfflineFaceFinder(detector, settings)
    results, waiting = [], []
    for number, image in enumerate(film):
        waiting.append((image, number / rate))
        if finder.ends_window(len(waiting), waiting[-1][1] - waiting[0][1]) or number == len(film) - 1:
            results += finder(*zip(*waiting, strict=True))
            waiting = []
    return results, detector


def boxes(results):
    return [[face.box for face in faces] for faces in results]


def test_a_still_face_is_found_in_every_picture_with_few_searches():
    results, detector = read_film([picture(square(50))] * 90)
    assert boxes(results) == [[square(50)]] * 90
    assert detector.searches <= 3  # nothing changes: the first, and one in two seconds
    assert detector.looks < 45


def test_a_moving_face_lies_where_it_is():
    film = [[square(20 + 2 * number)] for number in range(90)]
    results, detector = read_film([picture(*faces) for faces in film])
    for found, true in zip(boxes(results), film, strict=True):
        assert len(found) == 1
        assert iou(found[0], true[0]) > 0.95
    assert detector.searches < 12


@pytest.mark.parametrize("first", range(17, 34))
def test_a_face_is_found_from_its_first_picture_to_its_last(first):
    last = first + 30
    film = [[square(50)] + [square(200)] * (first <= number <= last) for number in range(90)]
    results, _ = read_film([picture(*faces) for faces in film])
    assert boxes(results) == film


def test_the_result_does_not_depend_on_the_stretches():
    film = [picture(square(20 + number), square(200, 150 - number)) for number in range(64)]
    lengths = [boxes(read_film(film, settings=OfflineSettings(window_frames=count))[0]) for count in (8, 16)]
    for a, b in zip(*lengths, strict=True):
        assert [iou(p, q) > 0.95 for p, q in zip(a, b, strict=True)] == [True, True]


def test_while_nobody_is_known_the_searcher_detects():
    images = [picture()] * 20 + [picture(square(50))] * 40
    detector, searcher = SquareDetector(), SquareDetector()
    finder = OfflineFaceFinder(detector, thorough=searcher)
    found, at = [], 0
    for end in (1, 16, 31, 46, 60):
        found += finder(images[at:end], [number / 30 for number in range(at, end)])
        at = end
    assert [len(faces) for faces in found] == [0] * 20 + [1] * 40
    assert searcher.searches > 0
    assert detector.searches <= 2  # once the face is known


def test_something_that_only_looks_see_is_given_up():
    class Believer(SquareDetector):
        """Sees a face in the looks wherever one is said to be."""

        def __call__(self, grey, region=None):
            found = super().__call__(grey, region)
            return found if self.searches == 1 else []

        def redetect(self, grey, faces):
            return list(faces)

    detector = Believer()
    finder = OfflineFaceFinder(detector)
    shown = []
    noise = np.random.default_rng(0)
    for start in range(0, 160, 16):
        stretch = [noise.integers(0, 120, (240, 320), np.uint8) for _ in range(16)] if start else [picture(square(50))]
        shown.append(len(finder(stretch, [(start + n) / 30 for n in range(len(stretch))])[-1]))
    assert shown[0] == 1
    assert shown[-1] == 0


def test_a_scene_changes_where_something_new_comes_in():
    noise = np.random.default_rng(0)
    flat = np.full((240, 320), 90, np.uint8)
    motion = MotionGate(flat, [square(50)])
    assert motion.moving_regions(flat, []) == []
    assert motion.moving_regions(noise.normal(90, 6, flat.shape).clip(0, 255).astype(np.uint8), []) == []
    translated = flat.copy()
    translated[40:80, 50:90] = 200
    assert motion.moving_regions(translated, []) == []
    translated[150:170, 200:220] = 130
    (part,) = motion.moving_regions(translated, [])
    assert part.x1 <= 200 - 16
    assert part.y1 <= 150 - 16
    assert part.x2 >= 220 + 16
    assert part.y2 >= 170 + 16
    assert part.area < flat.size / 4
    assert motion.moving_regions(translated, [Box(195, 145, 225, 175)]) == []
    translated[200:220, 20:50] = 30
    assert len(motion.moving_regions(translated, [])) == 2
    assert motion.moving_regions(flat[:200], []) == [Box(0, 0, 320, 200)]


@pytest.fixture
def search():
    background = BackgroundDetection(SquareDetector)
    yield background
    background.close()


def test_live_faces_are_followed_in_every_frame_and_searched_beside_it(search):
    detector = SquareDetector()
    finder = OnlineFaceFinder(detector, search, OnlineSettings(detect_every=0.05, detect_every_unseen=0.02))
    seen = []
    for number in range(120):
        now = [square(20 + 2 * number)] + ([square(60, 150)] if number >= 60 else [])
        seen.append([face.box for face in finder(picture(*now))])
        time.sleep(0.005)
    assert detector.searches == 0  # never in the stream's own thread
    assert seen[0] == []
    assert seen[119] == [square(60, 150), square(20 + 2 * 119)]
    found = [number for number, faces in enumerate(seen) if len(faces) == 2]
    assert 60 <= found[0] < 90
    assert all(len(faces) >= 1 for faces in seen[30:])


def test_while_nobody_is_known_in_a_live_stream_the_searcher_detects():
    detector, searcher = SquareDetector(), SquareDetector()
    background = BackgroundDetection(lambda: detector, lambda: searcher)
    settings = OnlineSettings(detect_every=0, detect_every_unseen=0, detect_full_every=0)
    finder = OnlineFaceFinder(SquareDetector(), background, settings)
    for image, one, other in ((picture(), searcher, detector), (picture(square(50)), detector, searcher)):
        while not finder(image) and image.any():
            time.sleep(0.001)
        before = other.searches, one.searches
        while one.searches < before[1] + 5:
            finder(image)
            time.sleep(0.001)
        assert other.searches <= before[0] + 1  # one may have waited
    background.close()


def test_streams_that_end_leave_no_detection_to_those_that_go_on():
    """Each of 30 streams has one that waits while another runs: the next stream would wait for all of them."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(SquareDetector):
        def __call__(self, grey, region=None):
            begun.set()
            go_on.wait(20)
            return super().__call__(grey, region)

    detector = Slow()
    background = BackgroundDetection(lambda: detector)
    finders = [OnlineFaceFinder(SquareDetector(), background) for _ in range(31)]
    for finder in finders:
        finder(picture())
    assert begun.wait(10)
    for finder in finders:
        finder.close()
    go_on.set()
    background.close()
    assert detector.searches == 1


def test_a_failing_search_reaches_the_stream():
    class Broken(SquareDetector):
        def __call__(self, grey, region=None):
            raise RuntimeError("broken")

    background = BackgroundDetection(Broken)
    finder = OnlineFaceFinder(SquareDetector(), background, OnlineSettings(detect_every_unseen=0))
    try:
        with pytest.raises(RuntimeError, match="broken"):
            for _ in range(200):
                finder(picture())
                time.sleep(0.005)
    finally:
        background.close()


def test_reading_ahead_keeps_the_order_and_stays_near():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    with Prefetcher(items(), 4) as ahead:
        taken = []
        for number in ahead:
            taken.append(number)
            if number == 10:
                time.sleep(0.05)
                assert len(made) <= 10 + 1 + 4 + 1
    assert taken == list(range(100))


def test_an_exception_of_the_items_is_raised_where_they_are_taken():
    def items():
        yield 1
        raise ValueError("from the items")

    taken = []
    with Prefetcher(items(), 4) as ahead, pytest.raises(ValueError, match="from the items"):
        taken.extend(ahead)
    assert taken == [1]


def test_items_that_cannot_even_begin():
    class Items:
        def __iter__(self):
            raise ValueError("no beginning")

    with Prefetcher(Items(), 4) as ahead, pytest.raises(ValueError, match="no beginning"):
        list(ahead)


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_leaving_early_ends_the_thread_and_closes_the_items(taken):
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    started = time.monotonic()
    with Prefetcher(items(), 4) as ahead:
        for count, _ in enumerate(ahead, 1):
            if count >= taken:
                break
    assert closed.wait(2)
    assert time.monotonic() - started < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "smilecam-prefetch"]


def test_figures_of_a_live_stream():
    counts = Counts()
    meter = StatsMeter(counts)
    for number in range(100):
        counts.received += 2
        counts.dropped += 1
        meter.result(now=number / 15, capture_time=number / 15 - 0.004)
    stats = meter.stats()
    assert stats.rate == pytest.approx(15)
    assert stats.input_rate == pytest.approx(30)
    assert stats.latency_ms == pytest.approx((4, 4, 4))
    assert stats.dropped == 100
    assert stats.as_dict()["latency_ms"] == {"p50": 4.0, "p95": 4.0, "p99": 4.0}
    assert "15.0 frames/s" in str(stats)


def test_figures_without_frames():
    stats = StatsMeter(Counts()).stats()
    assert stats.rate == 0
    assert stats.latency_ms is None
    assert "latency_ms" not in stats.as_dict()


def textured(*boxes, seed=3):
    image = np.zeros((240, 320), np.uint8)
    for number, box in enumerate(boxes):
        pattern = np.random.default_rng(seed + number).integers(135, 255, (8, 8), np.uint8)
        image[box.y1 : box.y2, box.x1 : box.x2] = cv2.resize(pattern, (box.width, box.height)).clip(135, 255)
    return image


def test_a_face_with_texture_is_followed_and_rarely_redetected():
    video = [textured(square(20 + 2 * number)) for number in range(90)]
    detector = SquareDetector()
    finder = OfflineFaceFinder(detector)
    results, waiting = [], []
    for number, image in enumerate(video):
        waiting.append((image, number / 30))
        if finder.ends_window(len(waiting), waiting[-1][1] - waiting[0][1]) or number == 89:
            results += finder(*zip(*waiting, strict=True))
            waiting = []
    for number, faces in enumerate(boxes(results)):
        assert iou(faces[0], square(20 + 2 * number)) > 0.9
    assert detector.looks <= 14  # three a second, and some at the ends of windows


def test_a_live_crowd_is_redetected_a_few_faces_a_frame(search):
    places = [square(10 + 60 * (n % 5), 10 + 60 * (n // 5)) for n in range(10)]
    detector, image = SquareDetector(), textured(*places)
    now = [0.0]
    finder = OnlineFaceFinder(detector, search, OnlineSettings(), clock=lambda: now[0])
    most = 0
    for _ in range(90):
        before = detector.looks
        found = finder(image)
        most = max(most, detector.looks - before)
        now[0] += 1 / 30
        if finder._pending is not None:
            finder._pending.result()
    assert len(found) == 10
    assert most <= OnlineSettings().max_redetections
    assert detector.looks < 90 * 10 / 4


def test_motion_in_which_faces_were_sought_in_vain_waits_longer_each_time():
    noise = np.random.default_rng(0)
    detector = SquareDetector()
    finder = OfflineFaceFinder(detector, OfflineSettings(detect_full_every=1000))
    calls = []
    for start in range(0, 30 * 20, 15):
        frames = []
        for _ in range(15):
            image = textured(square(50))
            image[160:220, 200:300] = noise.integers(0, 60, (60, 100), np.uint8) + int(noise.integers(0, 60))
            frames.append(image)
        before = detector.searches
        finder(frames, [(start + n) / 30 for n in range(15)])
        calls.append(detector.searches - before)
    assert sum(calls[20:]) < sum(calls[:20])
    assert sum(calls) < 20


def test_no_more_faces_are_followed_than_allowed(search):
    small, large = square(20, side=20), square(200, side=60)
    settings = OnlineSettings(detect_every=0, detect_every_unseen=0, detect_full_every=0)
    finder = OnlineFaceFinder(SquareDetector(), search, settings, max_faces=1)
    image = picture(small, square(80), large)
    end = time.monotonic() + 10
    while not (faces := finder(image)) and time.monotonic() < end:
        time.sleep(0.01)
    for _ in range(20):
        time.sleep(0.005)
        faces = finder(image)
    assert [face.box for face in faces] == [large]


def test_many_streams_take_turns_at_a_share_of_the_time():
    """From their first detections on; none has a second one before all have had one, or waits with an old frame."""
    seconds, share, streams, begun, futures, waited = 0.02, 0.4, 12, [], [], []

    class Busy(SquareDetector):
        def __call__(self, grey, region=None):
            begun.append((time.monotonic(), int(grey[0, 0])))
            end = time.thread_time() + seconds
            while time.thread_time() < end:
                pass
            return super().__call__(grey, region)

    class Watched(BackgroundDetection):
        def submit(self, *arguments, **options):
            waited.extend(future for future in futures if not future.done())
            futures.append(super().submit(*arguments, **options))
            return futures[-1]

    background = Watched(Busy)
    settings = OnlineSettings(detect_every=0, detect_every_unseen=0, detect_full_every=0)
    finders = [OnlineFaceFinder(SquareDetector(), background, settings) for _ in range(streams)]
    images = [picture() for _ in finders]
    for number, image in enumerate(images):
        image[0, 0] = number
    while len(begun) < 2 * streams:
        for finder, image in zip(finders, images, strict=True):
            finder(image)
        time.sleep(0.001)
    background.close()
    assert waited == []
    times, order = zip(*begun[: 2 * streams], strict=True)
    assert sorted(order[:streams]) == sorted(order[streams:]) == list(range(streams))
    assert times[-1] - times[0] >= (2 * streams - 1) * seconds / share


def test_a_stream_alone_waits_for_no_turn_and_one_that_sends_nothing_is_passed_over():
    go_on = threading.Event()
    go_on.set()

    class Held(SquareDetector):
        def __call__(self, grey, region=None):
            go_on.wait(20)
            return super().__call__(grey, region)

    background = BackgroundDetection(Held)
    alone, silent, other = (SquareDetector() for _ in range(3))  # any objects
    end = time.monotonic() + 20
    for _ in range(3):
        while not background.admits(alone):  # only its share of the time is waited for
            assert time.monotonic() < end
            time.sleep(0.001)
        background.submit(alone, picture(), None).result(60)
    go_on.clear()
    background.submit(alone, picture(), None)
    assert not background.admits(silent)
    assert not background.admits(other)
    go_on.set()
    end = time.monotonic() + 20
    while not background.admits(other):
        assert time.monotonic() < end
        time.sleep(0.01)
    background.close()


def test_streams_that_share_are_first_tried_as_those_with_known_faces():
    detector, searcher = SquareDetector(), SquareDetector()
    background = BackgroundDetection(lambda: detector, lambda: searcher)
    streams = [SquareDetector(), SquareDetector()]  # any objects
    for stream in streams:
        background.submit(stream, picture(), None, nobody_known=True).result(60)
    assert (detector.searches, searcher.searches) == (1, 1)
    background.submit(streams[1], picture(), None, nobody_known=True).result(60)
    assert (detector.searches, searcher.searches) == (1, 2)
    background.close()

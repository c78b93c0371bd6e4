"""Tasks: keys, and how they are divided into jobs."""

from dataclasses import replace

import pytest

from smilecam.scan.task import (
    MIN_IMAGES,
    ArchiveFile,
    ScanSettings,
    Task,
    job_from_text,
    job_to_text,
    jobs_of,
)


def file(name, size=1, is_image=True):
    return ArchiveFile(name, f"/{name}", size, 5, is_image)


def test_keys_depend_on_what_results_depend_on(settings):
    of_file = file("a.jpg")
    key = Task.of(of_file, settings).key
    assert Task.of(of_file, settings).key == key
    assert Task.of(replace(of_file, name="../a.jpg"), settings).key == key
    assert Task.of(of_file, replace(settings, model="elsewhere.onnx")).key == key
    for other in (replace(of_file, size=2), replace(of_file, modified=6), replace(of_file, location="/b.jpg")):
        assert Task.of(other, settings).key != key
    for name, value in (
        ("model_digest", "0"), ("policy", "strict"), ("threshold", 0.9), ("detector", "yunet"), ("detection_size", 99),
        ("every", 0.0), ("split", 20.0), ("decision", replace(settings.decision, min_smile=1.0)),
        ("decode", "reference-frames"), ("version", "0.0.9"),
    ):  # fmt: skip
        assert Task.of(of_file, replace(settings, **{name: value})).key != key
    assert ScanSettings.of_dict(settings.as_dict()) == settings


@pytest.mark.parametrize(
    ("images", "workers", "size"), [(1, 2, 1), (40, 2, MIN_IMAGES), (800, 2, 100), (70_000, 1000, 17), (70_000, 2, 256)]
)
def test_jobs_hold_each_task_once(settings, images, workers, size):
    tasks = [Task(str(number), file(f"{number}.jpg")) for number in range(images)]
    videos = [Task(f"video{number}", file(f"{number}.mp4", number, is_image=False)) for number in range(3)]
    jobs = jobs_of([*tasks, *videos], workers)
    assert [job[0].key for job in jobs[:3]] == ["video2", "video1", "video0"]
    sizes = [len(job) for job in jobs[3:]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == size
    assert sizes[-1] <= MIN_IMAGES
    assert [task for job in jobs[3:] for task in job] == tasks


def test_jobs_travel_as_text(settings):
    task = Task.of(file("\udcff.jpg"), settings)
    job = (task, *task.pieces(2, 20), replace(task, joined=(b"\x00\xff", b"")))
    assert job_from_text(job_to_text(job)) == job

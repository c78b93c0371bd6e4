"""Archives behind URLs: a real S3-compatible server on loopback."""

import os

import pytest

from smilecam.scan.listing import list_files
from smilecam.scan.run_scan import run_scan

pytest.importorskip("s3fs", reason='needs the "dev" extra')
pytest.importorskip("moto.server", reason='needs the "dev" extra')


@pytest.fixture
def bucket(archive, monkeypatch):
    """The archive as s3://archive/photos."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        system = s3fs.S3FileSystem()
        system.mkdir("archive")
        system.put(f"{archive}{os.sep}", "archive/photos", recursive=True)
        yield system
    finally:
        server.stop()
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.filterwarnings("default")  # those of its libraries
def test_a_bucket_has_the_rows_of_its_files(bucket, archive, settings, inline_engine, tmp_path, read_table):
    listing = list_files(["s3://archive/photos", "s3://archive/none"])
    assert [failure.error for failure in listing.failures] == ["SourceNotFound"]
    report = run_scan(listing, settings, inline_engine(settings), tmp_path / "out", ["jsonl"])
    local = list_files([str(archive)])
    expected = run_scan(local, settings, inline_engine(settings), tmp_path / "local", ["jsonl"])
    assert (report.images, report.videos, report.failed) == (expected.images, expected.videos, expected.failed + 1)
    for table in ("images", "videos", "frames", "faces", "smiles", "events"):
        remote_rows, local_rows = (read_table(tmp_path / out, table) for out in ("out", "local"))
        for rows in (remote_rows, local_rows):
            for row in rows:
                row["path"] = row["path"].replace("s3://archive/photos", str(archive)).replace("/", os.sep)
                row.pop("modified", None)
        assert remote_rows == local_rows

    bucket.rm("s3://archive/photos/clip.mp4")
    engine = inline_engine(settings)
    report = run_scan(listing, settings, engine, tmp_path / "out", ["jsonl"])
    assert report.videos == 1, "it has a result"
    run_scan(listing, settings, inline_engine(settings), tmp_path / "other", ["jsonl"])
    errors = read_table(tmp_path / "other", "errors")
    text = [row["message"] for row in errors if row["path"].endswith("text.png")]
    assert text == ["s3://archive/photos/text.png is not an image, or is damaged or cut short"]
    gone = [row for row in errors if row["path"].endswith("clip.mp4")]
    assert [(row["error"], row["message"]) for row in gone] == [
        ("SourceNotFound", "no file at s3://archive/photos/clip.mp4")
    ]


def test_addresses_that_lead_nowhere_are_failures_without_secrets():
    listing = list_files(["nosuch://bucket/photos", "https://name:secret@host.invalid/a.jpg"])
    assert [failure.error for failure in listing.failures] == ["SourceUnreadable", "SourceNotFound"]
    assert not [failure for failure in listing.failures if "secret" in failure.message + failure.name]

"""Results on disk: whole or absent, found again, damage noticed."""

import pytest

from smilecam.scan.record import Record, RecordWriter, read_rows
from smilecam.scan.rows import Row
from smilecam.scan.shards import FLUSH_SECONDS, ShardStore


def record(key, failed=False):
    writer = RecordWriter()
    writer.add(Row("frames", {"frame": number, "of": key}) for number in range(100))
    return Record(key, failed, writer.finish())


def test_rows_come_back_in_order():
    rows = list(read_rows(record("a").content))
    assert rows == [Row("frames", {"frame": number, "of": "a"}) for number in range(100)]


def test_a_long_record_comes_back_whole():
    writer = RecordWriter()
    rows = [Row("faces", {"smile": (number * 7919) % 10007, "text": "ü" * (number % 50)}) for number in range(50_000)]
    writer.add(rows)
    content = writer.finish()
    assert len(content) > 3 * 2**16
    assert list(read_rows(content)) == rows


def test_records_are_found_again(tmp_path):
    with ShardStore(tmp_path) as store:
        for key in "abc":
            store.add(record(key))
        store.flush()
        store.add(record("d"))
        assert "a" in store
        assert "d" not in store
    with ShardStore(tmp_path) as again:
        assert [key for key in "abcde" if key in again] == ["a", "b", "c", "d"]
        assert [next(read_rows(again.read(key))).values["of"] for key in "dbca"] == ["d", "b", "c", "a"]
        assert again.read("e") is None


def test_failures_are_kept_for_this_run_only(tmp_path):
    with ShardStore(tmp_path) as store:
        store.add(record("a", failed=True))
        store.add(record("b"))
        store.flush()
        assert store.read("a") is not None
    with ShardStore(tmp_path) as again:
        assert again.read("a") is None
        assert again.read("b") is not None


def test_records_are_written_after_some_seconds(tmp_path):
    now = 0.0
    store = ShardStore(tmp_path, lambda: now)
    store.add(record("a"))
    now = FLUSH_SECONDS / 2
    store.add(record("b"))
    assert list(tmp_path.iterdir()) == []
    now = FLUSH_SECONDS
    store.add(record("c"))
    assert len(list(tmp_path.iterdir())) == 1
    assert "c" in ShardStore(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 20, 60, -1])
def test_a_damaged_shard_counts_as_absent(tmp_path, kept):
    with ShardStore(tmp_path) as store:
        store.add(record("a"))
    (shard,) = tmp_path.iterdir()
    shard.write_bytes(shard.read_bytes()[:kept])
    assert "a" not in ShardStore(tmp_path)
    (tmp_path / "other.jsonl.gz").write_bytes(b"no gzip")
    with ShardStore(tmp_path) as store:
        store.add(record("a"))
    assert "a" in ShardStore(tmp_path)


def test_a_shard_with_other_content_counts_as_absent(tmp_path):
    with ShardStore(tmp_path) as store:
        store.add(record("a"))
    (shard,) = tmp_path.iterdir()
    content = shard.read_bytes()
    shard.write_bytes(content[:-50] + bytes(50))  # as a power cut may leave it
    assert "a" not in ShardStore(tmp_path)

"""A real Ray cluster of two nodes on this machine, one of which dies in the middle."""

import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from smilecam.errors import SmilecamError
from smilecam.scan.listing import list_files
from smilecam.scan.local_engine import LocalEngine
from smilecam.scan.run_scan import run_scan

ray = pytest.importorskip("ray", reason='needs the "ray" extra')
pytest.importorskip("pyarrow", reason='needs the "scan" extra')

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one core each; the driver is on the first."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_a_cluster_that_loses_a_node_gives_the_local_tables(archive, settings, tmp_path, cluster):
    from smilecam.scan.ray_engine import RayEngine

    settings = replace(settings, detection_size=160)
    for number in range(24):
        shutil.copyfile(archive / "astronaut.jpg", archive / f"{number:02}.jpg")
    for number in range(3):
        shutil.copyfile(archive / "clip.mp4", archive / f"{number}.mp4")
    listing = list_files([str(archive)])
    with closing(LocalEngine(settings, 1)) as engine:
        expected = run_scan(listing, settings, engine, tmp_path / "local")

    done = []

    def lose_a_node(file, share):
        done.append(file)
        if len(done) == 3:
            (node,) = cluster.worker_nodes
            cluster.remove_node(node, allow_graceful=False)

    with closing(RayEngine(settings, address=cluster.address)) as engine:
        assert run_scan(listing, settings, engine, tmp_path / "ray", progress=lose_a_node) == expected
    assert len(done) == len(set(done)) == len(listing.files)
    assert not cluster.worker_nodes
    for path in (tmp_path / "local").iterdir():
        if path.suffix in {".jsonl", ".parquet"}:
            assert (tmp_path / "ray" / path.name).read_bytes() == path.read_bytes()


def test_no_cluster_there(settings):
    from smilecam.scan.ray_engine import RayEngine

    with pytest.raises(SmilecamError, match="no Ray cluster at"):
        RayEngine(settings, address="127.0.0.1:9")

"""Real servers of streams."""

import os
import subprocess

import pytest
from servers import SYSTEM_PYTHON, RtspServer, WebServer

GSTREAMER = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer;"
    "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('videotestsrc', 'x264enc', 'rtph264pay')))"
)


@pytest.fixture
def web():
    server = WebServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gstreamer():
    known = (
        SYSTEM_PYTHON.exists() and not subprocess.run([SYSTEM_PYTHON, "-c", GSTREAMER], capture_output=True).returncode
    )
    if not known:
        reason = (
            "GStreamer's RTSP server is not installed (packages gir1.2-gst-rtsp-server-1.0, python3-gi and plugins)"
        )
        if os.environ.get("SMILECAM_TEST_DATA_REQUIRED"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def rtsp(gstreamer):
    server = RtspServer()
    server.start()
    yield server
    server.kill()

"""A real RTSP server, GStreamer's: run by the system's Python with a port. No test: the tests start and kill it.

At /test the frames keep their size; at /changing they have another one after each second.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SIZES = ((320, 240), (640, 360))
FORM = "video/x-raw,width={},height={},framerate=25/1"
PIPELINE = (
    f"( videotestsrc is-live=true ! capsfilter name=size caps={FORM.format(*SIZES[0])} "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def change_size(media: GstRtspServer.RTSPMedia, turn: int) -> None:
    """Change the size now and then while the media plays."""
    size = media.get_element().get_by_name("size")
    size.set_property("caps", Gst.Caps.from_string(FORM.format(*SIZES[turn % 2])))
    GLib.timeout_add(1000, change_size, media, turn + 1)


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.props.address, server.props.service = "127.0.0.1", sys.argv[1]
    for path in ("/test", "/changing"):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_shared(True)
        factory.set_launch(PIPELINE)
        if path == "/changing":
            factory.connect("media-configure", lambda _, media: change_size(media, 0))
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


main()

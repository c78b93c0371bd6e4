"""Where frames come from: images, videos, cameras and streams behind one interface."""

"""The live page and its interface over HTTP and WebSockets. Needs the ``web`` extra."""

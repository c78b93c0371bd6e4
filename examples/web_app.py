"""Smiles in your own web application (Starlette; FastAPI is the same): images in, and a camera's events out.

    pip install -c constraints.txt ".[web]"
    python examples/web_app.py 0                # the first camera; or a path or address
    curl --data-binary @party.jpg http://127.0.0.1:8000/smiles
    curl -N http://127.0.0.1:8000/events

A detection takes some milliseconds of CPU, so it runs in a thread and the event loop stays free. Unlike ``smilecam
watch`` this server has no token and hardly a limit: keep it on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import cv2
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import smilecam

MAX_BYTES = 20_000_000


async def smiles(request: Request) -> JSONResponse:
    """``POST /smiles``: an image file as the body; its faces as JSON."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return JSONResponse({"error": f"more than {MAX_BYTES:,} bytes"}, 413)
    image = await run_in_threadpool(decode, bytes(body))
    if image is None:
        return JSONResponse({"error": "not an image"}, 415)
    result = await run_in_threadpool(request.app.state.detector, image)
    return JSONResponse({"smiling": result.smiling, "faces": [face.as_dict() for face in result.faces]})


def decode(body: bytes) -> np.ndarray | None:
    """The image of a file, uint8 (height, width, 3), blue-green-red; None where it is none."""
    return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR) if body else None


async def events(request: Request) -> StreamingResponse:
    """``GET /events``: what the camera sees, as server-sent events, until the source ends."""
    return StreamingResponse(read_events(request), media_type="text/event-stream")


async def read_events(request: Request) -> AsyncIterator[str]:
    """Each event of the source as it happens. Each client has a stream of its own here."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[smilecam.Event]()

    def put(event: smilecam.Event) -> None:  # called in smilecam's thread
        loop.call_soon_threadsafe(waiting.put_nowait, event)

    state = request.app.state
    with smilecam.start_stream(state.source, on_event=put, detector=state.detector) as handle:
        ended = False
        while not (ended and waiting.empty()):
            try:
                event = await asyncio.wait_for(waiting.get(), 0.2)
                yield f"data: {json.dumps(event.as_dict())}\n\n"
            except TimeoutError:
                ended = await run_in_threadpool(handle.wait, 0)
                if await request.is_disconnected():
                    return


def make_app(source: str) -> Starlette:
    """The application, for one source."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with smilecam.SmileDetector() as detector:  # loaded once, shared by all requests
            app.state.detector, app.state.source = detector, source
            yield

    routes = [Route("/smiles", smiles, methods=["POST"]), Route("/events", events)]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="?", default="0", help="index of a camera, path or address")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    uvicorn.run(make_app(arguments.source), host="127.0.0.1", port=arguments.port)


if __name__ == "__main__":
    main()

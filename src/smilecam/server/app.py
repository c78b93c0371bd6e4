"""The ASGI application: its routes, start and shutdown, and error responses."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from smilecam.server.http import api
from smilecam.server.http.videos import VideoJobs
from smilecam.server.playback import Playback
from smilecam.server.problems import Problem, internal_error
from smilecam.server.security.access import Access
from smilecam.server.security.guard import Guard
from smilecam.server.security.token_page import token_page, wants_page
from smilecam.server.service import Service
from smilecam.server.source_thread import SourceThread
from smilecam.server.ws.broadcast import Broadcast, serve_viewer
from smilecam.server.ws.browser_stream import stream
from smilecam.sinks.base import Sink
from smilecam.sources.base import Source

MESSAGES = {
    400: ("bad_request", "The request cannot be parsed, or has too many parts."),
    404: ("not_found", "There is nothing at this address."),
    405: ("wrong_method", "This address does not support that method."),
}
"""Codes and messages for the framework's own errors, by status."""


def make_app(
    service: Service,
    access: Access,
    source: Source | Playback | None,
    started: Callable[[], None],
    sinks: Sequence[Sink] = (),
) -> ASGIApp:
    """Assemble the application.

    Args:
        service: shared by all requests.
        access: decides which requests are admitted.
        source: the server's own, open; None where browsers send the frames.
        started: called once requests can be answered.
        sinks: further takers of the results of ``source``.
    """
    jobs = VideoJobs(service.folder, service.limits, service.report)
    broadcast = Broadcast(SourceThread(source, service.models, service.settings, sinks), service) if source else None

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            with service.starting():
                await service.in_images(_warm_up, service)
                if broadcast:
                    broadcast.start()
                started()
            yield
        finally:
            service.stopping.set()
            jobs.close()
            if broadcast:
                broadcast.thread.stop()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, Problem: _problem, Exception: _internal_error},
    )
    app.state.service, app.state.access, app.state.jobs, app.state.broadcast = service, access, jobs, broadcast
    return Guard(app, access, service.limits, service.metrics, service.report)


def _routes() -> list[Route | Mount | WebSocketRoute]:
    return [
        Route("/", api.page),
        Route("/", api.enter, methods=["POST"]),
        Route("/overlay", api.overlay),
        Mount("/static", StaticFiles(directory=api.STATIC, check_dir=False)),
        Route("/v1/models", api.models),
        Route("/v1/detect", api.detect, methods=["POST"]),
        Route("/v1/videos", api.start_video, methods=["POST"]),
        Route("/v1/videos/{id}", api.video, methods=["GET", "DELETE"]),
        Route("/v1/videos/{id}/results.{form}", api.results),
        Route("/v1/videos/{id}/preview.mp4", api.preview),
        WebSocketRoute("/v1/stream", stream),
        WebSocketRoute("/v1/watch", serve_viewer),
        Route("/healthz", api.healthz),
        Route("/readyz", api.readyz),
        Route("/metrics", api.metrics),
        Route("/openapi.json", api.description),
    ]


def _warm_up(service: Service) -> None:
    """Process an image without a face, so that the first real one does not wait for models to load."""
    detector = service.models.detector(service.settings)
    detector(np.zeros((120, 160), np.uint8))
    service.ready = True


async def _problem(request: Request, problem: Exception) -> Response:
    """Answer here rather than in the guard: the rest of the request's body can still be discarded."""
    assert isinstance(problem, Problem)  # noqa: S101 - as registered
    service: Service = request.app.state.service
    service.metrics.refused.inc()
    if problem.status == 401 and wants_page(request.scope):
        return token_page(problem)
    headers = {"retry-after": "5"} if problem.status in (429, 503) else {}
    if problem.status in (408, 413):
        headers["connection"] = "close"
    return JSONResponse(problem.as_dict(), problem.status, headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    """The framework's own errors, in the form of a problem."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    code, message = MESSAGES.get(error.status_code, ("refused", "The request was refused."))
    problem = Problem(error.status_code, code, message)
    return JSONResponse(problem.as_dict(), problem.status, error.headers)


async def _internal_error(_request: Request, _error: Exception) -> Response:
    """An unexpected error; Starlette raises it again, and the guard reports it."""
    problem = internal_error()
    return JSONResponse(problem.as_dict(), problem.status, {"connection": "close"})

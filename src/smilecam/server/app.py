"""The application: addresses and what answers under them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

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
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.security.guard import Guard
from smilecam.server.service import Service
from smilecam.server.source_thread import SourceThread
from smilecam.server.ws.broadcast import Broadcast, serve_viewer
from smilecam.server.ws.browser_stream import stream
from smilecam.sources.base import Source

SENTENCES = {
    400: ("bad_request", "The request cannot be read, or has too many parts."),
    404: ("not_found", "There is nothing at this address."),
    405: ("wrong_method", "This address does not answer that method."),
}


def make_app(service: Service, access: Access, source: Source | None = None) -> ASGIApp:
    """Put the application together.

    Args:
        service: what requests share.
        access: who may ask.
        source: the server's own, open and live; None where browsers send the frames.
    """
    jobs = VideoJobs(service.folder, service.limits, service.report)
    broadcast = Broadcast(SourceThread(source, service.models, service.settings), service) if source else None

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await service.in_pictures(_warm_up, service)
        if broadcast:
            broadcast.start()
        try:
            yield
        finally:
            service.stopping.set()
            jobs.close()
            if broadcast:
                broadcast.thread.stop()

    app = Starlette(
        routes=_routes(),
        lifespan=lifespan,
        exception_handlers={HTTPException: _plain, Problem: _refused, Exception: _internal},
    )
    app.state.service, app.state.access, app.state.jobs, app.state.broadcast = service, access, jobs, broadcast
    return Guard(app, access, service.limits, service.metrics, service.report)


def _routes() -> list[Route | Mount | WebSocketRoute]:
    return [
        Route("/", api.page),
        Mount("/static", StaticFiles(directory=api.STATIC, check_dir=False)),
        Route("/v1/models", api.models),
        Route("/v1/detect", api.detect, methods=["POST"]),
        Route("/v1/videos", api.start_video, methods=["POST"]),
        Route("/v1/videos/{id}", api.video, methods=["GET", "DELETE"]),
        Route("/v1/videos/{id}/results.{form}", api.results),
        WebSocketRoute("/v1/stream", stream),
        WebSocketRoute("/v1/watch", serve_viewer),
        Route("/healthz", api.healthz),
        Route("/readyz", api.readyz),
        Route("/metrics", api.metrics),
        Route("/openapi.json", api.description),
    ]


def _warm_up(service: Service) -> None:
    """Read a picture without a face, so that the first real one does not wait for anything to be loaded."""
    detector = service.models.detector(service.settings)
    detector(np.zeros((120, 160), np.uint8))
    service.ready = True


async def _refused(request: Request, problem: Exception) -> Response:
    """Said here, inside, where the request's body can still be thrown away."""
    assert isinstance(problem, Problem)  # noqa: S101 - as the table of handlers says
    service: Service = request.app.state.service
    service.metrics.refused += 1
    headers = {"retry-after": "5"} if problem.status in (429, 503) else {}
    if problem.status in (408, 413):
        headers["connection"] = "close"
    return JSONResponse(problem.as_dict(), problem.status, headers)


async def _plain(_request: Request, error: Exception) -> Response:
    """The framework's own refusals, in our words."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as the table of handlers says
    code, message = SENTENCES.get(error.status_code, ("refused", "The request is refused."))
    problem = Problem(error.status_code, code, message)
    return JSONResponse(problem.as_dict(), problem.status, error.headers)


async def _internal(_request: Request, _error: Exception) -> Response:
    """Nobody expected this; the guard outside is told of it too."""
    problem = Problem(500, "internal", "The server made a mistake.")
    return JSONResponse(problem.as_dict(), problem.status, {"connection": "close"})

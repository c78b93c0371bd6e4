"""The HTTP endpoints."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)

from smilecam.errors import OutputError
from smilecam.server.http.openapi import openapi
from smilecam.server.http.videos import JOIN_SECONDS, RESULTS, Status, VideoJobs
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.security.token_page import wants_page
from smilecam.server.service import Service
from smilecam.server.stream_settings import NAMES, NUMBERS, Settings
from smilecam.server.ws.broadcast import Broadcast

STATIC = Path(__file__).parents[1] / "static"

QUERY = (*NAMES, "threshold", *NUMBERS)
"""Settings allowed in a query."""

PREVIEW = "preview"
"""In the query of a video: whether to make a copy that browsers play."""

LONGEST_NAME = 100
"""Characters."""


MOVE_ON = (
    '<!doctype html><title>smilecam</title><link rel="icon" href="data:,">'
    '<meta http-equiv="refresh" content="0;url={place}"><a href="{place}">smilecam</a>'
)
"""Leads to a page from the page's own address."""


async def page(request: Request) -> Response:
    """The live page."""
    return _admitted(request) or FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


async def overlay(request: Request) -> Response:
    """The page for video mixers; only of a server's own source, which all viewers share."""
    admitted = _admitted(request)
    if admitted is None and request.app.state.broadcast is None:
        raise Problem(404, "no_source", "The overlay is of the server's source: start smilecam watch SOURCE.")
    return admitted or FileResponse(STATIC / "obs" / "index.html", headers={"cache-control": "no-cache"})


def _admitted(request: Request) -> Response | None:
    """Exchange a token in the address for a cookie, by a redirect to the address without it; None without one.

    Raises:
        Problem: it is not this server's token.
    """
    access: Access = request.app.state.access
    query = dict(request.query_params)
    token = query.pop("token", None)
    if token is None:
        return None
    if not access.is_token(token):
        raise wrong_token()
    place = request.url.path + (f"?{urlencode(query)}" if query else "")
    if request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        response: Response = RedirectResponse(place, 303)
    else:  # the file that opens the page leads here: a browser would follow a redirect without the strict cookie
        response = HTMLResponse(MOVE_ON.format(place=escape(place)))
    return _with_cookie(response, request)


async def enter(request: Request) -> Response:
    """Exchange the token of a form for the cookie; browsers that show the answer are led to the page."""
    access: Access = request.app.state.access
    try:
        fields = parse_qs((await request.body()).decode(), strict_parsing=True, max_num_fields=1)
    except ValueError:
        raise Problem(400, "bad_form", "The form must hold the token, and nothing else.") from None
    if not access.is_token(fields.get("token", [""])[0].strip()):
        raise wrong_token()
    return _with_cookie(RedirectResponse("/", 303) if wants_page(request.scope) else Response(status_code=204), request)


def wrong_token() -> Problem:
    """A token that is not this server's."""
    return Problem(401, "wrong_token", "That is not this server's token.")


def _with_cookie(response: Response, request: Request) -> Response:
    access: Access = request.app.state.access
    secure = request.url.scheme == "https"
    response.set_cookie(
        access.cookie_name, access.cookie_value, httponly=True, samesite="strict", secure=secure, path="/"
    )
    return response


async def models(request: Request) -> Response:
    """Models and detectors to choose from, the settings in force, and the limits."""
    service: Service = request.app.state.service
    broadcast: Broadcast | None = request.app.state.broadcast
    limits = service.limits
    return JSONResponse(
        {
            "models": [_model(name, service) for name in service.models.infos],
            "detectors": service.models.detectors,
            "default": service.models.in_force(service.settings),
            "source": broadcast.describe() if broadcast else None,
            "limits": {
                "max_frame_bytes": limits.frame_bytes,
                "max_picture_bytes": limits.image_bytes,
                "max_pictures": limits.images,
                "max_upload_bytes": limits.upload_bytes,
                "max_pixels": limits.pixels,
                "max_video_seconds": limits.video_seconds,
            },
        }
    )


def _model(name: str, service: Service) -> dict[str, Any]:
    info = service.models.infos[name]
    policies = []
    for policy in info.policies.values():
        thresholds = {point.value: value for point, value in policy.thresholds.items()}
        policies.append({"name": policy.name, "threshold": thresholds["balanced"], "thresholds": thresholds})
    return {"name": name, "version": info.version, "size": info.input.size, "policies": policies}


async def detect(request: Request) -> Response:
    """Detect faces and smiles in one or several images."""
    service: Service = request.app.state.service
    settings = query_settings(request, service)
    _check_form(request)
    async with _uploaded(request, "image", service.limits.images) as files:
        if service.waiting_images >= service.limits.waiting_images:
            raise Problem(429, "busy", "Too many images are waiting already: try again later.")
        service.waiting_images += 1
        try:
            results = [await service.in_images(_detect_image, service, settings, file) for file in files]
        finally:
            service.waiting_images -= 1
    service.metrics.images.inc(len(results))
    return JSONResponse({"results": results})


def _detect_image(service: Service, settings: Settings, file: UploadFile) -> dict[str, Any]:
    """The entry of one image in the response; runs in the thread for images."""
    name = own_name(file.filename or "", "image")
    if service.stopping.is_set():
        return {"name": name, "error": Problem(503, "stopping", "The server is about to end.").inner()}
    try:
        content = file.file.read(service.limits.image_bytes + 1)
        if len(content) > service.limits.image_bytes:
            raise Problem(413, "too_large", f"An image is at most {service.limits.image_bytes:,} bytes.")
        image = service.decode_image(content)
    except Problem as problem:
        return {"name": name, "error": problem.inner()}
    result = service.models.detector(settings)(image)
    height, width = image.shape[:2]
    return {"name": name, "width": width, "height": height, "faces": [face.as_dict() for face in result.faces]}


async def start_video(request: Request) -> Response:
    """Store an uploaded video, and start processing it."""
    service: Service = request.app.state.service
    jobs: VideoJobs = request.app.state.jobs
    settings = query_settings(request, service, PREVIEW)
    wants_preview = _is_true(request.query_params.get(PREVIEW, "false"))
    _check_form(request)
    jobs.check_place()  # nobody uploads for nothing; a place is taken only once the video is here
    async with _uploaded(request, "video", 1) as (file,):
        jobs.check_place()
        job = await asyncio.to_thread(jobs.store, file.file, own_name(file.filename or "", "video"))
    job.wants_preview = wants_preview
    try:
        jobs.start(job, service.models.choice(settings))
    except Problem:
        await asyncio.to_thread(jobs.discard, job)
        raise
    return JSONResponse(job.as_dict(), 202, headers={"location": f"/v1/videos/{job.key}"})


async def video(request: Request) -> Response:
    """A video's progress; or, on DELETE, cancel it and delete its results."""
    jobs: VideoJobs = request.app.state.jobs
    key = request.path_params["id"]
    if request.method != "DELETE":
        return JSONResponse(jobs.get(key).as_dict())
    job = jobs.remove(key)
    if job.thread is not None:
        await asyncio.to_thread(job.thread.join, JOIN_SECONDS)
    return JSONResponse(job.as_dict())


async def results(request: Request) -> Response:
    """The results of a processed video."""
    jobs: VideoJobs = request.app.state.jobs
    form = request.path_params["form"]
    if form not in RESULTS:
        raise Problem(404, "not_found", f"Results come as {', '.join(RESULTS)}.")
    job = jobs.get(request.path_params["id"])
    if job.status is Status.RUNNING:
        raise Problem(409, "not_ready", "The video is still being processed.")
    if job.status is not Status.DONE:
        raise Problem(409, "no_results", "The video could not be processed to its end.")
    return FileResponse(job.result(form), media_type=RESULTS[form], filename=f"smiles.{form}")


async def preview(request: Request) -> Response:
    """The copy of a processed video that browsers play, if it was asked for."""
    jobs: VideoJobs = request.app.state.jobs
    job = jobs.get(request.path_params["id"])
    if job.status is Status.RUNNING:
        raise Problem(409, "not_ready", "The video is still being processed.")
    if job.status is not Status.DONE or not job.preview.exists():
        raise Problem(404, "no_preview", "There is no copy of this video.")
    return FileResponse(job.preview, media_type="video/mp4", filename="preview.mp4")


async def healthz(_request: Request) -> Response:
    """The process is alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether frames are processed, or would be."""
    service: Service = request.app.state.service
    broadcast: Broadcast | None = request.app.state.broadcast
    ready = service.ready and (broadcast is None or broadcast.fresh)
    return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    """Metrics for Prometheus."""
    service: Service = request.app.state.service
    return PlainTextResponse(service.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def description(request: Request) -> Response:
    """The HTTP API as an OpenAPI document."""
    service: Service = request.app.state.service
    infos = service.models.infos
    policies = list(dict.fromkeys(name for info in infos.values() for name in info.policies))
    return JSONResponse(openapi(list(infos), policies, service.models.detectors))


def query_settings(request: Request, service: Service, *others: str) -> Settings:
    """The settings that a request's query sets, over the server's defaults.

    Args:
        request: with the query.
        service: with the defaults.
        others: names in the query that are no settings, each at most once.

    Raises:
        Problem: the query holds anything else.
    """
    wanted: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in (*QUERY, *others) or name in wanted:
            raise Problem(400, "bad_settings", "The query names an unknown setting, or one of them twice.")
        wanted[name] = text if name in (*NAMES, *others) else _number(text)
    settings = {name: value for name, value in wanted.items() if name not in others}
    return service.models.changed(service.settings, settings)


def _is_true(text: str) -> bool:
    if text not in ("true", "false"):
        raise Problem(400, "bad_settings", "A setting of the query is neither true nor false.")
    return text == "true"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Problem(400, "bad_settings", "A setting of the query is not a number.") from None


def _check_form(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(415, "bad_form", "Files must be sent as multipart/form-data.")


@asynccontextmanager
async def _uploaded(request: Request, field: str, max_files: int) -> AsyncIterator[list[UploadFile]]:
    """The files of a form; their temporary copies are deleted at the end.

    Raises:
        Problem: the form holds anything else.
        OutputError: there is no space for the files.
    """
    service: Service = request.app.state.service
    try:
        with service.upload():
            form = await request.form(max_files=max_files, max_fields=8, max_part_size=1024)
        try:
            yield _files(form, field)
        finally:
            await form.close()
    except ConnectionError:
        raise
    except OSError as error:
        raise OutputError(f"cannot store an upload: {error.strerror or error}") from error


def _files(form: FormData, field: str) -> list[UploadFile]:
    files = [value for value in form.getlist(field) if isinstance(value, UploadFile)]
    if not files or len(form.multi_items()) != len(files):
        raise Problem(400, "bad_form", f"The form must hold files under the name {field}, and nothing else.")
    return files


def own_name(given: str, otherwise: str) -> str:
    """A file's name for results: its last component, without characters that a terminal or a path could misread."""
    last = re.split(r"[/\\]", given)[-1]
    printable = "".join(char for char in last if char.isprintable()).strip(" .")
    return printable.encode("utf-8", "replace").decode()[:LONGEST_NAME] or otherwise

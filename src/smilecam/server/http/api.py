"""What is answered over HTTP."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from smilecam.server.http.images import decode_picture
from smilecam.server.http.openapi import openapi
from smilecam.server.http.videos import RESULTS, Status, VideoJobs
from smilecam.server.problems import Problem
from smilecam.server.security.access import Access
from smilecam.server.service import Service
from smilecam.server.stream_settings import NAMES, NUMBERS, Settings
from smilecam.server.ws.broadcast import Broadcast

STATIC = Path(__file__).parents[1] / "static"

QUERY = (*NAMES, "threshold", *NUMBERS)
"""Settings that a query may hold."""

LONGEST_NAME = 100


async def page(request: Request) -> Response:
    """The page; a token in the address is turned into a cookie, and taken out of the address."""
    access: Access = request.app.state.access
    token = request.query_params.get("token")
    if token is None:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})
    if not access.is_token(token):
        raise Problem(401, "no_token", "That is not this server's token: open the address that smilecam watch printed.")
    response = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    response.set_cookie(access.cookie, access.session, httponly=True, samesite="strict", secure=secure, path="/")
    return response


async def models(request: Request) -> Response:
    """What can be chosen, what is in force, and the limits."""
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
                "max_picture_bytes": limits.picture_bytes,
                "max_pictures": limits.pictures,
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
    """Faces of one or several pictures."""
    service: Service = request.app.state.service
    settings = query_settings(request, service)
    _check_form(request)
    if service.waiting_pictures >= service.limits.waiting_pictures:
        raise Problem(429, "busy", "Too many pictures are waiting already: try again later.")
    service.waiting_pictures += 1
    try:
        async with request.form(max_files=service.limits.pictures, max_fields=8, max_part_size=1024) as form:
            files = _files(form, "image")
            results = [await service.in_pictures(_read_picture, service, settings, file) for file in files]
    finally:
        service.waiting_pictures -= 1
    service.metrics.pictures += len(results)
    return JSONResponse({"results": results})


def _read_picture(service: Service, settings: Settings, file: UploadFile) -> dict[str, Any]:
    """In a thread: one picture's entry."""
    name = own_name(file.filename or "", "picture")
    if service.stopping.is_set():
        return {"name": name, "error": Problem(503, "stopping", "The server is about to end.").inner()}
    try:
        content = file.file.read(service.limits.picture_bytes + 1)
        if len(content) > service.limits.picture_bytes:
            raise Problem(413, "too_large", f"A picture is at most {service.limits.picture_bytes:,} bytes.")
        image = decode_picture(content, service.limits)
    except Problem as problem:
        return {"name": name, "error": problem.inner()}
    threshold = service.models.threshold(settings)
    result = service.models.detector(settings)(image)
    faces = [replace(face, smiling=face.smile >= threshold).as_dict() for face in result.faces]
    height, width = image.shape[:2]
    return {"name": name, "width": width, "height": height, "faces": faces}


async def start_video(request: Request) -> Response:
    """Take a video, and begin to read it."""
    service: Service = request.app.state.service
    jobs: VideoJobs = request.app.state.jobs
    settings = query_settings(request, service)
    _check_form(request)
    jobs.reserve()
    try:
        async with request.form(max_files=1, max_fields=8, max_part_size=1024) as form:
            (file,) = _files(form, "video")
            job = await asyncio.to_thread(jobs.store, file.file, own_name(file.filename or "", "video"))
        jobs.start(job, lambda: service.models.detector(settings))
    finally:
        jobs.release()
    return JSONResponse(job.as_dict(), 202, headers={"location": f"/v1/videos/{job.key}"})


async def video(request: Request) -> Response:
    """How far a video is; or end it, and delete what is left of it."""
    jobs: VideoJobs = request.app.state.jobs
    job = (jobs.remove if request.method == "DELETE" else jobs.get)(request.path_params["id"])
    return JSONResponse(job.as_dict())


async def results(request: Request) -> Response:
    """What was seen in a video."""
    jobs: VideoJobs = request.app.state.jobs
    form = request.path_params["form"]
    if form not in RESULTS:
        raise Problem(404, "not_found", f"Results come as {', '.join(RESULTS)}.")
    job = jobs.get(request.path_params["id"])
    if job.status is Status.RUNNING:
        raise Problem(409, "not_ready", "The video is still being read.")
    if job.status is not Status.DONE:
        raise Problem(409, "no_results", "The video could not be read to its end.")
    return FileResponse(job.result(form), media_type=RESULTS[form], filename=f"smiles.{form}")


async def healthz(_request: Request) -> Response:
    """The process is alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Whether frames are being read, or would be."""
    service: Service = request.app.state.service
    broadcast: Broadcast | None = request.app.state.broadcast
    ready = service.ready and (broadcast is None or broadcast.fresh)
    return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)


async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    service: Service = request.app.state.service
    return PlainTextResponse(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def description(request: Request) -> Response:
    """This interface as an OpenAPI document."""
    service: Service = request.app.state.service
    infos = service.models.infos
    policies = list(dict.fromkeys(name for info in infos.values() for name in info.policies))
    return JSONResponse(openapi(list(infos), policies, service.models.detectors))


def query_settings(request: Request, service: Service) -> Settings:
    """The settings that a request's query asks for, over those that the server was started with.

    Raises:
        Problem: the query holds something else.
    """
    wanted: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in QUERY or name in wanted:
            raise Problem(400, "bad_settings", "The query names an unknown setting, or one of them twice.")
        wanted[name] = text if name in NAMES else _number(text)
    return service.models.changed(service.settings, wanted)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Problem(400, "bad_settings", "A setting of the query is not a number.") from None


def _check_form(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(415, "bad_form", "Files are sent as multipart/form-data.")


def _files(form: FormData, field: str) -> list[UploadFile]:
    files = [value for value in form.getlist(field) if isinstance(value, UploadFile)]
    if not files or len(form.multi_items()) != len(files):
        raise Problem(400, "bad_form", f"The form holds files under the name {field}, and nothing else.")
    return files


def own_name(given: str, otherwise: str) -> str:
    """What a result calls a file: the last part of its name, without what a terminal or a path could take amiss."""
    last = re.split(r"[/\\]", given)[-1]
    clean = "".join(char for char in last if char.isprintable()).strip(" .")
    return clean.encode("utf-8", "replace").decode()[:LONGEST_NAME] or otherwise

"""The HTTP API as an OpenAPI document."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from smilecam.presets import OperatingPoint
from smilecam.server.http.videos import RESULTS, Status
from smilecam.server.stream_settings import NUMBERS

JSON = dict[str, Any]


def openapi(models: list[str], policies: list[str], detectors: list[str]) -> JSON:
    """The document.

    Args:
        models: names of the available models.
        policies: names of their policies.
        detectors: names of the available face detectors.
    """
    choices = {
        "model": models,
        "policy": policies,
        "operating_point": [point.value for point in OperatingPoint],
        "detector": detectors,
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "smilecam",
            "version": version("smilecam"),
            "description": "Detects visible smiles in images, videos and streams. Stream frames go over the WebSockets "
            "/v1/stream and /v1/watch, which this document cannot describe: see docs/web.md.",
        },
        "security": [{"bearer": []}],
        "paths": {
            "/v1/models": {"get": _get("Models, detectors and limits", "Models")},
            "/v1/detect": {"post": _upload("Detect smiles in images", "image", choices, "200", "Detections", 16)},
            "/v1/videos": {"post": _upload("Start processing a video", "video", choices, "202", "Video", 1)},
            "/v1/videos/{id}": {
                "parameters": [_id()],
                "get": _get("Progress of a video", "Video", "404"),
                "delete": _get("Cancel a video and delete its results", "Video", "404"),
            },
            "/v1/videos/{id}/results.{form}": {"parameters": [_id(), _form()], "get": _results()},
            "/v1/videos/{id}/preview.mp4": {"parameters": [_id()], "get": _preview()},
            "/healthz": {"get": {**_get("The process is alive", "State"), "security": []}},
            "/readyz": {"get": {**_get("Frames are processed, or would be", "State", "503"), "security": []}},
            "/metrics": {"get": _text("Metrics for Prometheus", "text/plain")},
            "/openapi.json": {"get": _get("This document", "Anything")},
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _answer(about: str, schema: str) -> JSON:
    return {
        "description": about,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _errors(*statuses: str) -> JSON:
    """Error responses; those that every address may give are always among them."""
    refused = {status: _answer("Refused", "Error") for status in ("401", "421", *statuses)}
    return {**refused, "default": _answer("Refused", "Error")}


def _get(summary: str, schema: str, *statuses: str) -> JSON:
    errors = _errors(*(status for status in statuses if status != "503"))
    not_ready = {"503": _answer("Not ready", schema)} if "503" in statuses else {}
    return {"summary": summary, "responses": {"200": _answer("Done", schema), **errors, **not_ready}}


def _text(summary: str, kind: str) -> JSON:
    content = {kind: {"schema": {"type": "string"}}}
    return {"summary": summary, "responses": {"200": {"description": "Done", "content": content}, **_errors()}}


def _results() -> JSON:
    kinds = {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in RESULTS.values()}
    responses = {"200": {"description": "Done", "content": kinds}, **_errors("404", "409")}
    return {"summary": "Results of a processed video", "responses": responses}


def _preview() -> JSON:
    content = {"video/mp4": {"schema": {"type": "string", "contentMediaType": "video/mp4"}}}
    responses = {"200": {"description": "Done", "content": content}, **_errors("404", "409")}
    return {"summary": "Copy of a video that browsers play, if the upload asked for it", "responses": responses}


def _upload(summary: str, field: str, choices: dict[str, list[str]], status: str, schema: str, most: int) -> JSON:
    file: JSON = {"type": "string", "contentMediaType": "application/octet-stream"}
    several: JSON = {"type": "array", "items": file, "minItems": 1, "maxItems": most}
    body = {
        "type": "object",
        "required": [field],
        "additionalProperties": False,
        "properties": {field: several if most > 1 else file},
    }
    return {
        "summary": summary,
        "parameters": [*_settings(choices), *([] if most > 1 else [_parameter("preview", {"type": "boolean"})])],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}},
        "responses": {
            status: _answer("Done" if status == "200" else "Started", schema),
            **_errors("400", "403", "408", "413", "415", "429"),
        },
    }


def _settings(choices: dict[str, list[str]]) -> list[JSON]:
    names = [_parameter(name, {"type": "string", "enum": values}) for name, values in choices.items()]
    ranges = {"threshold": 1.0, **NUMBERS}
    numbers = [_parameter(name, {"type": "number", "minimum": 0, "maximum": most}) for name, most in ranges.items()]
    return [*names, *numbers]


def _parameter(name: str, schema: JSON) -> JSON:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _id() -> JSON:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _form() -> JSON:
    return {"name": "form", "in": "path", "required": True, "schema": {"type": "string", "enum": list(RESULTS)}}


def _object(required: list[str], **properties: JSON) -> JSON:
    return {"type": "object", "required": required, "properties": properties}


def _schemas() -> JSON:
    text, share, count = {"type": "string"}, {"type": "number", "minimum": 0, "maximum": 1}, {"type": "integer"}
    inner = _object(["code", "message"], code=text, message=text)
    box = {"type": "array", "items": count, "minItems": 4, "maxItems": 4, "description": "x1, y1, x2, y2 in pixels"}
    face = _object(
        ["box", "confidence", "smile", "smiling"], box=box, confidence=share, smile=share, smiling={"type": "boolean"}
    )
    detected = _object(
        ["name", "width", "height", "faces"],
        name=text,
        width=count,
        height=count,
        faces={"type": "array", "items": face},
    )
    refused = _object(["name", "error"], name=text, error=inner)
    policies = {"type": "array", "items": _object(["name", "threshold"], name=text, threshold=share)}
    model = _object(["name", "version", "size", "policies"], name=text, version=text, size=count, policies=policies)
    return {
        "Error": _object(["error"], error=inner),
        "State": _object(["status"], status=text),
        "Anything": {"type": "object"},
        "Detections": _object(["results"], results={"type": "array", "items": {"anyOf": [detected, refused]}}),
        "Models": _object(
            ["models", "detectors", "default", "source", "limits"],
            models={"type": "array", "items": model},
            detectors={"type": "array", "items": text},
            default={"type": "object"},
            source={"type": ["object", "null"]},
            limits={"type": "object"},
        ),
        "Video": _object(
            ["id", "name", "status", "progress", "frames", "duration"],
            id=text,
            name=text,
            status={"type": "string", "enum": [status.value for status in Status]},
            progress=share,
            frames=count,
            duration={"type": "number"},
            width=count,
            height=count,
            preview={"type": "boolean"},
            error=inner,
        ),
    }

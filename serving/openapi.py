"""The HTTP contract as an OpenAPI 3.1 document, made of the project: `GET /openapi.json`, and the docs' page of the HTTP API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ratchet.core.entity_key import BLANKS, CONTROLS
from ratchet.core.schema import DType
from ratchet.project.file import Project
from ratchet.tasks.catalogue import task_of
from serving.bodies import EACH, MAX_ENTITY, MAX_WHOLE, ONE

Node = dict[str, Any]

_TEXT: Node = {"type": "string"}
_VERSION: Node = {"type": "integer", "minimum": 1}
PATHS = frozenset(  # all that is answered, and what the document has
    {"/predict", "/predict_batch", "/explain", "/health", "/livez", "/readyz", "/metrics", "/openapi.json"}
)
_NAME = f"^[^{CONTROLS}]*[^{CONTROLS}{BLANKS}][^{CONTROLS}]*$"


def document(project: Project) -> Node:
    """The OpenAPI document of the service that answers for `project`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Ratchet: {project.model}",
            "version": version("ratchet-ct"),
            "description": "Predictions of the model version that is in production. Every error is one sentence under `error`.",
        },
        "paths": {
            "/predict": {"post": _asking("predict", "Score one entity", "Entity", _ref("Answer"), ONE)},
            "/predict_batch": {
                "post": _asking(
                    "predict_batch",
                    "Score several entities; an item that cannot be answered has its error in its place",
                    "Batch",
                    {
                        "type": "array",
                        "items": {"oneOf": [_ref("Answer"), _ref("ItemError")]},
                        "maxItems": project.serving.max_batch,
                    },
                    ONE + project.serving.max_batch * EACH,
                    unknown=False,
                )
            },
            "/explain": {
                "post": _asking("explain", "What each feature adds, against a typical row", "Entity", _ref("Explanation"), ONE)
            },
            "/health": {
                "get": _reading(
                    "health",
                    "Version, age of the model and state of the store",
                    {"200": _json("It can answer", _ref("Health")), "503": _json("It cannot, and why", _ref("Health"))},
                )
            },
            "/livez": {"get": _reading("livez", "Whether the process lives", {"200": _plain("It does")})},
            "/readyz": {
                "get": _reading(
                    "readyz",
                    "Whether the pinned version has answered its golden rows",
                    {"200": _plain("It has"), "503": _plain("It has not, and why")},
                )
            },
            "/metrics": {"get": _reading("metrics", "Figures for Prometheus", {"200": _plain("Prometheus' text format")})},
            "/openapi.json": {
                "get": _reading(
                    "openapi", "This document", {"200": _json("OpenAPI 3.1", {"type": "object", "required": ["openapi"]})}
                )
            },
        },
        "components": {"schemas": _schemas(project)},
    }


def _schemas(project: Project) -> dict[str, Node]:
    key, answers = project.entity, task_of(project).answers(project.serving)
    name = {**_TEXT, "minLength": 1, "maxLength": MAX_ENTITY}
    features = _object({f.name: _feature(f.dtype) for f in project.features})
    return {
        "Entity": _object(
            {
                key: {
                    "description": "The entity's name; a whole number is taken as its digits, blanks at the ends are left out",
                    "anyOf": [{**name, "pattern": _NAME}, {"type": "integer", "minimum": -MAX_WHOLE, "maximum": MAX_WHOLE}],
                }
            }
        ),
        # an item of any other shape fails alone, in its place
        "Batch": {"type": "array", "items": {"anyOf": [_ref("Entity"), {}]}, "maxItems": project.serving.max_batch},
        "Answer": _object(
            {
                key: name,
                **answers.schema,
                "features_used": features,
                "model_version": _VERSION,
                "prediction_id": {**_TEXT, "pattern": "^[0-9a-f]{32}$", "description": "Its key in the request log"},
            }
        ),
        "ItemError": _object({key: name, "error": _TEXT, "status": {"enum": [404, 422, 503]}}, required=["error", "status"]),
        "Explanation": _object(
            {
                key: name,
                **answers.explanation_schema,
                "contributions": {
                    **_object({f.name: {"type": "number"} for f in project.features}),
                    "description": "Shapley values in log-odds, largest first; they add up to the distance from the typical row",
                },
                "features_used": features,
                "model_version": _VERSION,
            }
        ),
        "Health": _object(
            {
                "model": _TEXT,
                "model_version": _or_null(_VERSION),
                "ready": {"type": "boolean"},
                "detail": _TEXT,
                "model_created_at": _or_null({**_TEXT, "format": "date-time"}),
                "model_age_days": _or_null({"type": "number"}),
                "model_digest": {**_TEXT, "description": "of the files that it serves from; empty until they are loaded"},
                "feature_store": {**_TEXT, "description": "`reachable`, or what is the matter"},
                "request_log_backlog": {"type": "integer", "minimum": 0},
            }
        ),
        "Error": _object({"error": _TEXT}),
    }


def _asking(name: str, summary: str, body: str, answer: Node, limit: int, *, unknown: bool = True) -> Node:
    responses = {
        "200": _json("The answer", answer),
        "400": _error("The body is not JSON"),
        "404": _error("The online store has no features of the entity"),
        "413": _error(f"The body is larger than {limit} bytes"),
        "415": _error("The body is sent as something else than JSON"),
        "422": _error("The body is JSON of another shape"),
        "429": _later("More entities a second are asked for than RATCHET_RATE_LIMIT allows a process"),
        "503": _later("No model serves, or the feature store is away or slow: try again"),
    }
    if not unknown:
        del responses["404"]
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        "responses": responses,
    }


def _reading(name: str, summary: str, responses: dict[str, Node]) -> Node:
    return {"operationId": name, "summary": summary, "responses": responses}


def _feature(dtype: DType) -> Node:
    return _or_null({"type": "number"} if dtype.is_number else _TEXT)


def _or_null(schema: Node) -> Node:
    return {**schema, "type": [schema["type"], "null"]}


def _object(properties: dict[str, Node], required: list[str] | None = None) -> Node:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _ref(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Node) -> Node:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error(description: str) -> Node:
    return _json(description, _ref("Error"))


def _later(description: str) -> Node:
    return {**_error(description), "headers": {"retry-after": {"description": "Seconds", "schema": _TEXT}}}


def _plain(description: str) -> Node:
    return {"description": description, "content": {"text/plain": {"schema": _TEXT}}}

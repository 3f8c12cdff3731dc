"""The HTTP contract as an OpenAPI 3.1 document, made of the project: `GET /openapi.json`, and the docs' page of the HTTP API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ratchet.core.entity_key import BLANKS, CONTROLS
from ratchet.core.schema import DType
from ratchet.project.file import Project
from ratchet.tasks.catalogue import task_of
from serving.asked import FEATURES
from serving.bodies import MAX_ENTITY, MAX_WHOLE, batch_limit, limit_of
from serving.posted_schema import posted_schema

Node = dict[str, Any]

_TEXT: Node = {"type": "string"}
_STATUSES = (404, 422, 503)  # of an item of a batch
_AS_OF: Node = {
    "type": ["string", "null"],
    "format": "date",
    "description": "The date of the snapshot that the stored features are of; null where all of them came with the request",
}
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
            "/predict": {"post": _asking("predict", "Score one entity", project, _ref("Answer"), limit_of(project))},
            "/predict_batch": {
                "post": _asking(
                    "predict_batch",
                    "Score several entities; an item that cannot be answered has its error in its place",
                    project,
                    {
                        "type": "array",
                        "items": {"oneOf": [_ref("Answer"), _ref("ItemError")]},
                        "maxItems": project.serving.max_batch,
                    },
                    batch_limit(project),
                    body="Batch",
                )
            },
            "/explain": {
                "post": _asking(
                    "explain", "What each feature adds, against a typical row", project, _ref("Explanation"), limit_of(project)
                )
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
        "Entity": _asked(project, {**name, "pattern": _NAME}),
        # an item of any other shape fails alone, in its place
        "Batch": {"type": "array", "items": {"anyOf": [_ref("Entity"), {}]}, "maxItems": project.serving.max_batch},
        "Answer": _answer(
            project,
            {
                key: name,
                **answers.schema,
                "features_used": features,
                "features_as_of": _AS_OF,
                "model_version": _VERSION,
                "prediction_id": {**_TEXT, "pattern": "^[0-9a-f]{32}$", "description": "Its key in the request log"},
            },
        ),
        "ItemError": _object(
            {key: name, "error": _TEXT, "status": {"enum": [*_STATUSES, *([409] if _refuses_old(project) else [])]}},
            required=["error", "status"],
        ),
        "Explanation": _answer(
            project,
            {
                key: name,
                **answers.explanation_schema,
                "contributions": {
                    **_object({f.name: {"type": "number"} for f in project.features}, required=[]),  # the version's, perhaps fewer
                    "description": "Shapley values in log-odds, largest first; they add up to the distance from the typical row",
                },
                "features_used": features,
                "features_as_of": _AS_OF,
                "model_version": _VERSION,
            },
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
                "feature_store": {**_TEXT, "description": "`reachable`, what is the matter, or that there is none"},
                "request_log_backlog": {"type": "integer", "minimum": 0},
            }
        ),
        "Error": _object({"error": _TEXT}),
    }


def _asked(project: Project, name: Node) -> Node:
    """What is asked for: an entity, features, or both, as the project allows."""
    key = {
        "description": "The entity's name; a whole number is taken as its digits, blanks at the ends are left out",
        "anyOf": [name, {"type": "integer", "minimum": -MAX_WHOLE, "maximum": MAX_WHOLE}],
    }
    if project.takes_posted == "never":
        return _object({project.entity: key})
    sent = {project.entity: key, FEATURES: posted_schema(project)}
    if project.takes_posted == "over":
        return _object(sent, required=[project.entity])
    if not project.keeps_features:
        return _object(sent, required=[FEATURES])
    return {**_object(sent, required=[]), "anyOf": [{"required": [project.entity]}, {"required": [FEATURES]}]}


def _answer(project: Project, properties: dict[str, Node]) -> Node:
    """What is answered: without the entity where a request may name none, with a warning where old features have one."""
    required = [name for name in properties if name != project.entity or project.takes_posted != "alone"]
    warning = {} if project.serving.stale is None else {"warning": {**_TEXT, "description": "The stored features are old"}}
    return _object({**properties, **warning}, required=required)


def _refuses_old(project: Project) -> bool:
    return project.serving.stale is not None and project.serving.stale.then == "refuse"


def _asking(name: str, summary: str, project: Project, answer: Node, limit: int, *, body: str = "Entity") -> Node:
    responses = {
        "200": _json("The answer", answer),
        "400": _error("The body is not JSON"),
        "404": _error("The online store has no features of the entity"),
        "413": _error(f"The body is larger than {limit} bytes"),
        "415": _error("The body is sent as something else than JSON"),
        "409": _error("The stored features are older than the project allows"),
        "422": _error("The body is JSON of another shape, or a feature breaks a rule of the project"),
        "429": _later("More entities a second are asked for than RATCHET_RATE_LIMIT allows a process"),
        "503": _later("No model serves, or the feature store is away or slow: try again"),
    }
    if body == "Batch" or not project.keeps_features:
        del responses["404"]
    if body == "Batch" or not _refuses_old(project):
        del responses["409"]
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

"""The OpenAPI of an application, made complete: every error a problem, who may ask, an example each.

A route says what is its own; what holds for all of them (a false key, a body that is none, a full disk) is added here.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from shared.rights import GRANTABLE, Gate, Right, may, rights_of_routes
from shared.web.examples import example_of
from shared.web.problems import MEDIA_TYPE, TYPE_PREFIX

Json = dict[str, Any]


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457). Some problems have members of their own besides."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=[f"{TYPE_PREFIX}case-not-found"], description="Names the problem for programs")
    title: str
    status: int
    detail: str = Field("", description="What is wrong, and what to do")
    rule: str | None = Field(None, description="Where a rule refused a command: which one")


PROBLEMS = {
    "400": ("broken-json", "The body is not JSON", "The request, or the cursor in it, can't be read"),
    "401": ("sign-in-needed", "Sign in first", "Sign in, or send an API key that holds"),
    "403": ("not-allowed", "You may not do this", "Not allowed"),
    "404": ("page-not-found", "No such page", "No such thing, or not open to who asks"),
    "409": (
        "accept-not-while-closed",
        "A rule does not allow this",
        "A rule does not allow it; `rule` names it",
    ),
    "410": ("content-erased", "The content was erased", "It was erased; its entry in the trail stays"),
    "412": ("case-changed", "The case has changed", "It has changed since"),
    "413": ("body-too-large", "The body is too large", "The body is too large"),
    "422": ("not-valid", "The request does not fit", "A field does not fit; the problem says which, and why"),
    "429": ("too-many-attempts", "Too many wrong passwords", "Too many attempts; see `Retry-After`"),
    "503": ("not-now", "Nothing can be saved right now", "Nothing can be saved now; see `Retry-After`"),
}
"""Status → a problem's code and title, and what the answer means."""
_RETRY = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait"}}
_REFS = "#/components/schemas/"


def complete(app: FastAPI, found: Json) -> Json:
    """The OpenAPI as FastAPI found it, with what it leaves out."""
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _hoist(found, schemas)
    schemas["ProblemDetails"] = ProblemDetails.model_json_schema(ref_template=_REFS + "{model}")
    for left_over in ("HTTPValidationError", "ValidationError"):
        schemas.pop(left_over, None)
    gate: Gate = app.state.gate
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "`throughline key create` makes one"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": gate.cookie,
            "description": "`POST /v1/sign-in`",
        },
    }
    rights = {name.replace(":path}", "}"): right for name, right in rights_of_routes(app).items()}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            right = rights[f"{method.upper()} {path}"] or Right.PUBLIC
            _who(operation, right, everybodys=may(gate.anybody, right))
            _answers(operation, method, everybodys=may(gate.anybody, right), kept=path.startswith("/v1/"))
            _examples(operation, schemas)
    return found


def _hoist(node: Any, schemas: Json) -> None:
    """Definitions that stand inside a schema to where its references point."""
    if isinstance(node, dict):
        for name, definition in node.pop("$defs", {}).items():
            schemas.setdefault(name, definition)
    for inner in list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else ():
        _hoist(inner, schemas)


def _who(operation: Json, right: Right, *, everybodys: bool) -> None:
    if right is Right.PUBLIC:
        return
    ways: list[Json] = [{"session": []}, *([{"key": []}] if right in GRANTABLE else [])]
    operation["security"] = [*ways, *([{}] if everybodys else [])]
    told = f"Needs the right `{right}`: {right.meaning}."
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), told)))


def _answers(operation: Json, method: str, *, everybodys: bool, kept: bool) -> None:
    """Every error as problem details, and those that any route may answer."""
    answers: Json = operation["responses"]
    always = {"401"} | (set() if everybodys else {"403"})
    if "requestBody" in operation:
        always |= {"400", "413", "422"}
    if parameters := operation.get("parameters"):
        always |= {"422"} | ({"400"} if any(one["name"] == "cursor" for one in parameters) else set())
    if kept and method != "get":
        always |= {"503"}
    for status in sorted(always | {status for status in answers if status[0] in "45"}):
        code, title, meaning = PROBLEMS[status]
        answer = answers.setdefault(status, {})
        if list(answer.get("content", {})) == ["application/json"] and status == "503":
            continue  # a process that is not ready says why: the answer, and no problem
        said = answer.get("description", "")
        answer["description"] = said if said not in ("", "Validation Error") else meaning
        example = {
            "type": TYPE_PREFIX + code,
            "title": title,
            "status": int(status),
            "detail": answer["description"],
        }
        answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": f"{_REFS}ProblemDetails"}, "example": example}}
        if status in {"429", "503"}:
            answer.setdefault("headers", _RETRY)
    operation["responses"] = dict(sorted(answers.items()))


def _examples(operation: Json, schemas: Json) -> None:
    """An example where a route gives none of its own."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            media.setdefault("schema", {"type": "string", "format": "binary"})
            if "example" not in media and "examples" not in media:
                media["example"] = example_of(media["schema"], schemas)
    for parameter in operation.get("parameters", ()):
        if "example" not in parameter and "examples" not in parameter:
            parameter["example"] = example_of(parameter["schema"], schemas)

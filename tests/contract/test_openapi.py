"""What the OpenAPI promises to who writes a program against it: nothing is left out, and each example fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from services.embedded import embedded
from shared.rights import Right, rights_of_routes
from shared.settings import Settings
from shared.web.problems import MEDIA_TYPE
from tests.installations import in_a_loop

Json = dict[str, Any]
NO_ERROR = {("GET", "/readyz", "503")}
"""A process that is not ready says why, in the shape of one that is."""
WITHOUT_CONTENT = {"204"}


@dataclass
class Api:
    """An installation's OpenAPI, and what its routes ask for."""

    document: Json
    rights: dict[str, Right | None]

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Method, path and description of each."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def fits(self, example: Any, schema: Json) -> list[str]:
        """What of an example does not fit its schema."""
        whole = schema | {"components": self.document["components"]}
        return [error.message for error in Draft202012Validator(whole).iter_errors(example)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    found: list[Api] = []

    @in_a_loop
    async def ask() -> None:
        settings = Settings(data=tmp_path_factory.mktemp("api"), smtp_port=0)
        async with embedded(settings) as one:
            app = one.app()
            rights = {name.replace(":path}", "}"): right for name, right in rights_of_routes(app).items()}
            found.append(Api(app.openapi(), rights))

    ask()
    return found[0]


def test_every_operation_says_what_it_does_and_what_right_it_needs(api: Api) -> None:
    for method, path, operation in api.operations():
        told = f"{operation.get('summary', '')} {operation.get('description', '')}"
        assert len(told.split()) > 3, (method, path)
        right = api.rights[f"{method} {path}"]
        if right is not Right.PUBLIC:
            assert f"`{right}`" in operation["description"], (method, path)
            assert operation["security"], (method, path)


def test_every_error_is_a_problem_and_what_any_request_may_meet_is_said(api: Api) -> None:
    for method, path, operation in api.operations():
        answers = operation["responses"]
        assert "401" in answers, (method, path)
        if "requestBody" in operation:
            assert {"400", "422"} <= answers.keys(), (method, path)
        for status, answer in answers.items():
            if status[0] in "45" and (method, path, status) not in NO_ERROR:
                assert list(answer["content"]) == [MEDIA_TYPE], (method, path, status)
                assert answer["content"][MEDIA_TYPE]["schema"]["$ref"].endswith("/ProblemDetails")
            assert answer["description"].strip(), (method, path, status)


def test_every_body_and_parameter_has_an_example_that_fits(api: Api) -> None:
    for method, path, operation in api.operations():
        bodies = {"request": operation["requestBody"]} if "requestBody" in operation else {}
        for name, body in (bodies | operation["responses"]).items():
            assert body.get("content") or name in WITHOUT_CONTENT, (method, path, name)
            for media in body.get("content", {}).values():
                assert "example" in media, (method, path, name, media)
                assert api.fits(media["example"], media["schema"]) == [], (method, path, name)
        for parameter in operation.get("parameters", ()):
            examples = (
                parameter.get("examples") or parameter["schema"].get("examples") or [parameter["example"]]
            )
            example = examples[0] if isinstance(examples, list) else next(iter(examples.values()))["value"]
            assert api.fits(example, parameter["schema"]) == [], (method, path, parameter["name"])


def test_every_reference_leads_somewhere(api: Api) -> None:
    schemas = api.document["components"]["schemas"]

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for inner in node.values():
                yield from references(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from references(inner)

    for reference in references(api.document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference

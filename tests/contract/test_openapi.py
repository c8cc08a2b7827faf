"""The committed OpenAPI document is what a stack serves; `make contracts` writes it anew."""

import json
from collections import Counter

from tests.contract.regenerate import OPENAPI, openapi, text_of

METHODS = {"get", "put", "post", "delete", "patch"}


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def test_the_committed_document_is_the_current_one():
    assert json.loads(OPENAPI.read_text()) == json.loads(text_of(openapi())), "if the change is meant: make contracts"


def test_operation_ids_are_unique():
    ids = Counter(operation["operationId"] for _, operation in operations(openapi()))
    assert [name for name, count in ids.items() if count > 1] == []


def test_every_path_stands_under_the_api_and_belongs_to_one_service():
    for name, operation in operations(openapi()):
        assert name.split()[1].startswith("/api/v1/"), name
        assert len(operation["tags"]) == 1, name


def test_every_operation_says_what_it_does_and_how_it_refuses():
    for name, operation in operations(openapi()):
        assert operation.get("description") or operation.get("summary"), name
        for status in ("401", "422"):
            content = operation["responses"][status]["content"]
            assert "application/problem+json" in content, f"{name}: {status} is no problem document"


def test_nothing_internal_is_described():
    assert not [name for name, _ in operations(openapi()) if "/internal/" in name]

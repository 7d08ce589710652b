"""Answers are what the OpenAPI document says, whatever is asked; and nothing that is asked breaks the app."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.serving.conftest import NOW, World
from varai.learning.eligibility import FILTERS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    missing_required_header,
    unsupported_method,
]
# Whether a cursor is one of ours, a connection is there, a time is in reach, or a secret is right, no schema can say.
BEYOND_A_SCHEMA = {
    "/v1/auth/token",
    "/v1/events",
    "/v1/products",
    "/v1/reports/sales",
    "/v1/hooks/{vendor}/{tenant}/{feed}",
    "/v1/hooks/{vendor}/compliance",
}
HARDLY_ANSWERED = BEYOND_A_SCHEMA - {"/v1/events", "/v1/reports/sales"}
KNOWN = {"/v1/similar/{product}": {"product": ["shop/p1", "p2", "shop/p6"]}}
"""What a path has to name for the answer to be one."""

OPERATIONS = [
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("POST", "/v1/auth/token"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/v1/products"),
    ("GET", "/v1/recommendations"),
    ("POST", "/v1/recommendations"),
    ("GET", "/v1/similar/{product}"),
    ("POST", "/v1/events"),
    ("GET", "/v1/models"),
    ("GET", "/v1/reports/sales"),
    ("GET", "/v1/sync"),
    ("POST", "/v1/hooks/{vendor}/{tenant}/{feed}"),
    ("POST", "/v1/hooks/{vendor}/compliance"),
]


@pytest.fixture(scope="module")
def schema(world: World) -> schemathesis.BaseSchema:
    """The document, as the app gives it."""
    return schemathesis.openapi.from_asgi("/openapi.json", world.eu.app)


def test_every_operation_is_tried(schema: schemathesis.BaseSchema) -> None:
    found = {(each.ok().method.upper(), each.ok().path) for each in schema.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_fits_the_document(
    schema: schemathesis.BaseSchema, bearer: dict[str, str], method: str, path: str, mode: GenerationMode
) -> None:
    operation = schema[path][method]
    headers = {} if path.startswith("/v1/auth") else bearer

    checks, told = list(CHECKS), set()
    if path not in BEYOND_A_SCHEMA:
        checks.append(positive_data_acceptance)

    @given(case=operation.as_strategy(generation_mode=mode), pick=st.integers(0, 3))
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def tried(case: schemathesis.Case, pick: int) -> None:
        if pick and mode is GenerationMode.POSITIVE:
            case.path_parameters |= {name: known[pick - 1] for name, known in KNOWN.get(path, {}).items()}
            # Filters made by chance leave nothing to look at.
            case.query = (
                {name: value for name, value in case.query.items() if name not in FILTERS} if pick > 1 else case.query
            )
            if path == "/v1/events" and isinstance(case.body, dict):
                for one in case.body["events"]:
                    one |= {"feed": "shop", "at": NOW.isoformat()}
        told.add(case.call_and_validate(headers=headers, checks=checks).status_code)

    try:
        tried()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "Every operation takes something."
    assert mode is GenerationMode.NEGATIVE or 200 in told or path in HARDLY_ANSWERED, "No answer was looked at."

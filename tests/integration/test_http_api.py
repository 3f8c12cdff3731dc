"""A real BentoML process behind a real gateway, asked by Schemathesis what its OpenAPI document allows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ratchet.rollout.state import State
from serving.openapi import document
from tests.support.fake_wiring import PROJECT, ROWS
from tests.support.rollout_harness import GOOD, ProcessHarness, pin, settle

DOCUMENT = document(PROJECT)
ENTITY = jsonschema_rs.validator_for(DOCUMENT["components"]["schemas"]["Entity"])
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.hook
def flatmap_body(_context: schemathesis.HookContext, body: Any) -> st.SearchStrategy[Any]:
    """Half of the entities asked for are ones that the store knows: or every answer would be 404."""
    known = st.sampled_from([{PROJECT.entity: name} for name in ROWS])
    if isinstance(body, list):
        return st.tuples(*(st.one_of(st.just(item), known) for item in body)).map(list)
    return st.one_of(st.just(body), known) if isinstance(body, dict) and ENTITY.is_valid(body) else st.just(body)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    harness = ProcessHarness(tmp_path_factory.mktemp("home"))
    with harness.rollout.session():
        pin(harness.rollout, GOOD)
        assert settle(harness.rollout).state is State.READY
        yield harness.settings.url


def test_the_service_hands_out_its_document(url: str) -> None:
    assert httpx.get(f"{url}/openapi.json", trust_env=False).json() == DOCUMENT


@schema.parametrize()
@settings(max_examples=80, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_promises(case: schemathesis.Case[Any], url: str) -> None:
    response = case.call_and_validate(base_url=url)
    assert response.status_code < 500

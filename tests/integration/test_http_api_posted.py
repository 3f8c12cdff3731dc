"""The app asked by Schemathesis what its document allows where requests bring features, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.support.fake_wiring import PROJECT, ROWS
from tests.unit.test_posted import NOTHING, project_of
from tests.unit.test_serving_api import Server

CASES = {
    "alone": project_of("alone"),
    "over": project_of("over", nullable=False, stale={"days": 1, "then": "warn"}),
    "old": project_of("over", stale={"days": 1, "then": "refuse"}),
    "none": project_of("never", store="none", nullable=False),
}


@pytest.fixture(scope="module", params=CASES)
def operations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document that the service hands out, by path; each case is answered by the app in this process."""
    server = Server(tmp_path_factory.mktemp("home"), project=CASES[request.param]).ready()
    server.wiring.features.put({name: {**row, **NOTHING} for name, row in ROWS.items()})
    yield schemathesis.openapi.from_asgi("/openapi.json", server.app)
    server.close()


@pytest.mark.parametrize("path", ["/predict", "/predict_batch", "/explain"])
@pytest.mark.parametrize("mode", list(GenerationMode))
@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_to_posted_features_is_one_that_the_document_promises(
    operations: Any, path: str, mode: GenerationMode, data: st.DataObject
) -> None:
    case = data.draw(operations[path]["POST"].as_strategy(generation_mode=mode))
    if mode is GenerationMode.POSITIVE:  # some of whom the store knows: or every look-up would be a 404
        for body in case.body if isinstance(case.body, list) else [case.body]:
            if isinstance(body, dict) and PROJECT.entity in body and data.draw(st.booleans()):
                body[PROJECT.entity] = data.draw(st.sampled_from(list(ROWS)))
    response = case.call_and_validate()
    assert response.status_code < 500

"""What a promotion asks /predict where no features are kept: the golden rows, with their features."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ratchet.core.question import body
from ratchet.core.schema import DType, Feature, FeatureValue
from ratchet.project.file import Project
from ratchet.promotion.protocol import carry_out
from ratchet.settings import Settings
from ratchet.wiring import Wiring
from tests.support.fake_stores import FakeStores
from tests.support.shop import SHOP

INPUTS = (Feature("age", DType.INT), Feature("spend", DType.FLOAT), Feature("vip", DType.BOOL), Feature("plan", DType.CATEGORY))


def test_a_question_brings_the_features_as_json_has_their_types() -> None:
    features: dict[str, FeatureValue] = {"age": 20.0, "spend": 1.0, "vip": 0.0, "plan": "Basic"}
    asked = body("customer", "C001", features, INPUTS)
    assert asked == {"customer": "C001", "features": {"age": 20, "spend": 1.0, "vip": False, "plan": "Basic"}}
    assert [type(value) for value in asked["features"].values()] == [int, float, bool, str]


def test_what_is_missing_is_null() -> None:
    asked = body("customer", "C001", {"age": math.nan, "spend": None, "vip": math.nan}, INPUTS)
    assert asked["features"] == {"age": None, "spend": None, "vip": None, "plan": None}


def test_where_features_are_looked_up_a_question_names_the_entity_alone() -> None:
    assert body("customer", "C001", {"age": 20.0}, ()) == {"customer": "C001"}


def test_a_promotion_compares_by_the_golden_rows_where_nothing_is_looked_up() -> None:
    at = FakeStores()
    for number in (at.add_version(), at.add_version()):
        at.rollout.known.clear()
        at.rollout.posts = True
        if number == 1:
            at.in_production(number)
    carry_out(at.production, at.move(2, 1))
    assert at.rollout.serving == 2


@pytest.mark.parametrize(("kept", "brings"), [("feast", ()), ("none", tuple(SHOP.inputs))])
def test_the_wiring_lets_questions_bring_features_where_none_are_kept(kept: str, brings: tuple[Feature, ...]) -> None:
    project = Project.model_validate({**SHOP.model_dump(mode="json", by_alias=True), "feature_store": kept})
    rollout: Any = Wiring(Settings(), project).rollout
    assert rollout._posted == brings  # noqa: SLF001 - what it was made with

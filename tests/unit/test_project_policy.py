"""The policy of ratchet.yaml is the decisions' own class; what it may say, and what its hash is made of."""

from pathlib import Path

import pytest
import yaml

from ratchet.core.errors import ProjectError
from ratchet.core.policy import DriftPolicy, GatePolicy
from ratchet.estimators.catalogue import refuse_unknown
from ratchet.project.file import Policy, Project, Training, load_project

SHIPPED = Path(__file__).parents[2] / "ratchet.yaml"


def test_the_shipped_project_has_the_hash_that_its_stored_decisions_were_taken_under() -> None:
    # another hash would make every installation train and compare again what it has decided already
    assert load_project(SHIPPED).hash == "5617b18aaf573d0ef992cc900a527fc6d7b692c6ad37cf434216b21d1e168a0a"


def test_a_project_file_without_a_policy_has_the_policies_that_decisions_default_to() -> None:
    assert Policy() == Policy(drift=DriftPolicy(), gate=GatePolicy())
    assert isinstance(Policy.model_validate({"gate": {"min_delta": 0.02}}).gate, GatePolicy)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"gate": {"min_delta": 1}}, "policy.gate.min_delta: Input should be less than 1"),
        ({"gate": {"confidence": 0.5}}, "policy.gate.confidence: Input should be greater than 0.5"),
        ({"gate": {"min_rows": 1}}, "policy.gate.min_rows: Input should be greater than or equal to 2"),
        ({"gate": {"kind": "bold"}}, "policy.gate.kind: Input should be 'delong' or 'simple'"),
        ({"gate": {"min_detla": 0.02}}, "policy.gate.min_detla: there is no such key"),
        ({"drift": {"drift_share": 1.5}}, "policy.drift.drift_share: Input should be less than or equal to 1"),
        ({"drift": {"alpha": "low"}}, "policy.drift.alpha: Input should be a valid number"),
        ({"drift": {"effect": 1}}, "policy.drift.effect: there is no such key"),
    ],
)
def test_a_figure_that_a_policy_cannot_have_is_refused_by_name(policy: dict[str, object], sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "ratchet.yaml"
    content = {**yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), "policy": policy}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ProjectError) as refused:
        load_project(path)
    assert sentence in str(refused.value)


def test_another_estimator_is_named_by_a_key_and_leaves_every_other_projects_hash_alone() -> None:
    shipped = load_project(SHIPPED)
    training = Training.model_validate({"forest": {"max_depth": [3, 5]}, "hist_gradient_boosting": None})
    assert training.grids == {
        "logistic_regression": {"C": [0.1, 1.0]},
        "hist_gradient_boosting": None,
        "forest": {"max_depth": [3, 5]},
    }
    assert shipped.model_copy(update={"training": training}).hash != shipped.hash
    assert shipped.model_copy(update={"training": Training()}).hash == shipped.hash


def test_an_estimator_that_there_is_not_and_a_mistyped_key_are_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    path = tmp_path / "ratchet.yaml"
    path.write_text(yaml.safe_dump({**content, "training": {"logistic_regresion": {"C": [1.0]}}}), encoding="utf-8")
    with pytest.raises(
        ProjectError, match=r"training\.logistic_regresion in ratchet\.yaml is no estimator: use one of logistic_reg"
    ):
        refuse_unknown(load_project(path))
    path.write_text(yaml.safe_dump({**content, "training": {"fold": 3}}), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"training\.fold: there is no such key"):
        load_project(path)
    refuse_unknown(load_project(SHIPPED))


def test_a_policy_made_in_code_goes_into_a_project() -> None:
    shipped = load_project(SHIPPED)
    bolder = shipped.policy.model_copy(update={"gate": GatePolicy(kind="simple")})
    assert Project.model_validate({**shipped.model_dump(), "policy": bolder.model_dump()}).policy.gate.kind == "simple"

"""Features that are looked up elsewhere are held to the rules of a table's cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.core.errors import DataError
from ratchet.project.file import Project
from ratchet.sources.folder import TableSource
from ratchet.sources.with_features import FeaturesFromElsewhere
from tests.support.shop import SHOP, put, tables

STORE = {"repository": ".", "service": "shop", "key": "customer"}
FITTING = {"age": 40.0, "vip": 1.0, "plan": "Basic", "visits": 3.0, "spend": 1.5, "opted": np.nan}


def source(folder: Path, project: Project, **first: Any) -> FeaturesFromElsewhere:
    """The shop, whose first entity has other features."""

    def look_up(_day: object, keys: Any) -> dict[str, Any]:
        found = {
            name: np.array([cell] * len(keys), dtype=object if name == "plan" else np.float64) for name, cell in FITTING.items()
        }
        found["opted"][1:] = 0.0
        for name, cell in first.items():
            found[name][0] = cell
        return found

    put(folder / "may", tables())
    return FeaturesFromElsewhere(TableSource(folder, project.in_tables), project, "Feast's shop", look_up, lambda *_: None)


def shop(**changes: dict[str, Any]) -> Project:
    facts = SHOP.model_dump(mode="json", by_alias=True) | {"feature_store": STORE}
    plain = [{key: value for key, value in feature.items() if key not in {"table", "column"}} for feature in facts["features"]]
    facts["features"] = [feature | changes.get(feature["name"], {}) for feature in plain]
    return Project.model_validate(facts)


@pytest.mark.parametrize(
    ("name", "cell", "sentence"),
    [
        ("spend", np.inf, "spend: 1 value is infinite"),
        ("visits", 2.0**60, r"visits: 1 value is too large for an exact int \(beyond 2\*\*53\)"),
        ("visits", 1.5, "visits: 1 value is not int"),
        ("visits", -np.inf, "visits: 1 value is infinite"),
        ("vip", 0.5, r"vip: 1 value is not bool \(true, false, 1 or 0\)"),
    ],
)
def test_a_number_that_a_table_may_not_have_is_refused(tmp_path: Path, name: str, cell: float, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        source(tmp_path, shop(), **{name: cell}).read("may")
    found = source(tmp_path, shop(), **{name: cell}).check("may")
    assert [(problem.column, problem.rows) for problem in found] == [(name, 1)]
    lenient = shop(**{name: {"on_unknown": "missing", "max_unknown_share": 0.2, "nullable": True, "max_null_share": 0.2}})
    read = source(tmp_path, lenient, **{name: cell}).read("may")
    assert read.features[name].isna().tolist() == [True] + [False] * (len(read.features) - 1)
    assert any(f"{name}: 1 value does not fit" in note for note in read.notes)


def test_what_fits_is_typed_as_of_a_table(tmp_path: Path) -> None:
    read = source(tmp_path, shop()).read("may").features
    assert {name: str(read[name].dtype) for name in FITTING} == {
        "age": "Int64", "vip": "boolean", "plan": "object", "visits": "Int64", "spend": "float64", "opted": "boolean",
    }  # fmt: skip
    assert read["opted"].isna().sum() == 1

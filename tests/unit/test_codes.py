"""Category codes are one category, with a point or without."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ratchet.core.schema import DType
from ratchet.estimators.plain.encoding import by_spelling
from ratchet.sources import cells
from ratchet.sources.folder import TableSource
from tests.support.shop import SHOP, put, tables


def typed(values: list[Any], kind: pa.DataType | None = None, categories: tuple[str, ...] | None = None) -> list[str | None]:
    read = cells.typed(pa.chunked_array([pa.array(values, kind)]), DType.CATEGORY, categories)
    assert not read.faults
    found = read.values  # noqa: PD011 - of Cells, not of pandas
    return list(found.to_pylist())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["3", "4", None], None),
        (["3.0", "4.0", ""], None),
        (["3.", "4.00", "NA"], None),
        ([3, 4, None], pa.int8()),
        ([3.0, 4.0, None], pa.float64()),
        ([3.0, 4.0, float("nan")], pa.float32()),
        ([Decimal("3.00"), Decimal("4.00"), None], pa.decimal128(5, 2)),
    ],
)
def test_codes_are_the_same_however_a_file_writes_them(values: list[Any], kind: pa.DataType | None) -> None:
    assert typed(values, kind) == ["3", "4", None]
    assert typed(values, kind, ("3", "4")) == ["3", "4", None]
    assert typed(values, kind, ("3.0", "4.0")) == ["3.0", "4.0", None], "as the project spells them"


def test_what_is_no_code_stays_as_it_is() -> None:
    names = ["v1.0", "3.5", "03.0", " 3.0", "1.0.0", "Basic"]
    assert typed(names) == names
    assert typed(["3", "3.0"], categories=("3", "3.0")) == ["3", "3.0"], "where a project tells them apart"


def test_a_fraction_is_no_category() -> None:
    read = cells.typed(pa.chunked_array([pa.array([3.0, 3.5])]), DType.CATEGORY)
    assert [fault.phrase for fault in read.faults] == ["not category: a code is a whole number or text"]


def test_a_month_of_codes_with_points_is_the_month_without(tmp_path: Path) -> None:
    found = []
    for name, spell in (("a", "{}"), ("b", "{}.0")):
        content = tables()
        content["people"]["city"] = [spell.format(row % 3) for row in range(len(content["people"]))]
        put(tmp_path / name / "may", content)
        found.append(TableSource(tmp_path / name, SHOP).read("may"))
    assert found[0].snapshot.id == found[1].snapshot.id
    pd.testing.assert_frame_equal(found[0].features, found[1].features)


def test_a_version_knows_the_other_spelling_of_its_codes() -> None:
    assert by_spelling({"3.0": 0, "4": 1, "x": 2}) == {"3": 0, "4.0": 1, "3.0": 0, "4": 1, "x": 2}
    assert by_spelling({"3": 0, "3.0": 1}) == {"3": 0, "3.0": 1}

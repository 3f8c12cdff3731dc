"""What is timed side by side answers the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.drift import data, scan
from benchmarks.gate import sides
from ratchet.core.decision import Verdict
from ratchet.drift.profile import profile


def test_every_way_out_of_parquet_gives_the_profile_of_the_rows_in_memory(tmp_path: Path) -> None:
    rows, less = 2_500, 400
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    data.write_partition(paths[0], rows, 0)
    data.write_partition(paths[1], less, 1)
    drawn = pa.concat_tables([data.table(rows, [0, 0], 1.0), data.table(less, [1, 0], 1.0)])
    expected = profile(data.FEATURES, data.as_columns(drawn)).to_json()
    found = {way: scan.go(way, 2, [str(path) for path in paths]) for way in scan.WAYS}
    assert {item["rows"] for item in found.values()} == {rows + less}
    assert {item["profile"] for way, item in found.items() if way.startswith("profile")} == {expected}


@pytest.mark.parametrize("method", [sides.by_definition, sides.by_loops])
def test_the_gates_figures_are_those_of_the_textbook(method: sides.Method) -> None:
    held = sides.holdout(3_000, 5)
    measured, decision = sides.gate(*held)
    theirs = sides.everywhere(method, *held)
    assert len(theirs) == 9
    assert np.array(sides.figures(measured)) == pytest.approx(np.array(theirs), abs=1e-9)
    assert decision.verdict is Verdict.PASS

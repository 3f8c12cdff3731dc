"""A file of late labels is read as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.errors import DataError
from ratchet.sources.label_file import read_label_file


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_seen_from_the_header(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "late.csv"
    path.write_text("id,gone,observed_at\nu1,1,2024-02-29\n".replace(",", mark))
    found = read_label_file(path, "id", "gone")
    assert {name: values.tolist() for name, values in found.items()} == {
        "entity": ["u1"],
        "label": ["1"],
        "observed_at": ["2024-02-29"],
    }


def test_a_label_that_is_not_known_yet_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("id,gone\nu1,\nu2,1\nu3, \n")
    assert read_label_file(path, "id", "gone")["entity"].tolist() == ["u2"]
    path.write_text("id,gone\nu1,\n")
    with pytest.raises(DataError, match="has no label: the cells of all 1 rows are empty"):
        read_label_file(path, "id", "gone")

"""A dozen data sets as people have them: each ends with a model that answers, or with a sentence that names the way on.

`python -m tests.support.try_pypi_sets` prints them as a table.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.errors import DataError
from ratchet.project.file import load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.guess.project import guess
from tests.support.pypi_sets import SETS, Set
from tests.support.try_pypi_sets import through

REFUSED = [one for one in SETS if any(words in one.ends for words in ("two values", "repeats"))]
GUESSED = [one for one in SETS if one not in REFUSED]
SERVED = ("titanic", "randhie")  # one with text, nulls and a leak, and one of two months; the table has all


def named(one: Set) -> str:
    return one.name


def laid_out(one: Set, root: Path) -> Path:
    try:
        one.laid_out(root / "raw")
    except (ImportError, OSError) as error:
        pytest.skip(f"{one.package} does not bring it here: {error}")
    return root / "raw"


def options(one: Set) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in zip(one.options[::2], one.options[1::2], strict=True)}


@pytest.mark.parametrize("one", GUESSED, ids=named)
def test_a_set_is_guessed_and_every_month_of_it_fits(one: Set, tmp_path: Path) -> None:
    raw = laid_out(one, tmp_path)
    found = guess(raw, **options(one))
    (tmp_path / "ratchet.yaml").write_text(found.text, encoding="utf-8")
    source = TableSource(raw, load_project(tmp_path / "ratchet.yaml"))
    assert [source.check(name) for name in source.names()] == [[]] * one.months
    left = {part.place.partition(".")[2] for part in found.parts if not part.taken_as}
    assert set(one.left) <= left


@pytest.mark.parametrize("one", REFUSED, ids=named)
def test_a_set_that_cannot_be_learned_ends_with_the_reason(one: Set, tmp_path: Path) -> None:
    raw = laid_out(one, tmp_path)
    with pytest.raises(DataError) as refused:
        guess(raw, **options(one))
    assert one.ends in str(refused.value)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("one", [one for one in SETS if one.name in SERVED], ids=named)
def test_a_set_goes_to_a_served_prediction_without_a_line_edited_by_hand(one: Set, tmp_path: Path) -> None:
    laid_out(one, tmp_path / "probe")
    found = through(one, tmp_path)
    assert found.served, found

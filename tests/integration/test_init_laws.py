"""Whatever lies there, `ratchet init` refuses it in a sentence or writes what loads and takes every snapshot that it read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.errors import UserError
from ratchet.project.file import load_project
from ratchet.sources.folder import TableSource
from ratchet.sources.guess.project import guess

ROWS = 40
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)
WORDS = st.sampled_from(
    ["", "NA", "None", "yes", "no", "Yes", "1", "0", "2", "-3", "1.5", "1e3", "true", "a\nb", '"', "?", "2024-01-31", "1,234", "é"]
)
HEADERS = st.one_of(
    st.sampled_from(["age", "Age", "a b", "größe", "customer_id", "left", "event_timestamp", "2nd", "x.y", "年"]), TEXT
)
CELLS = st.one_of(
    st.lists(WORDS, min_size=1, max_size=4),
    st.lists(TEXT, min_size=1, max_size=3),
    st.lists(st.integers(-5, 10**6).map(str), min_size=1, max_size=ROWS),
    st.lists(st.floats(allow_nan=True).map(repr), min_size=1, max_size=ROWS),
    st.lists(st.dates().map(str), min_size=1, max_size=5),
)
VALUES = st.one_of(
    st.lists(st.floats(width=32), min_size=1, max_size=ROWS),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=3),
    st.lists(st.one_of(st.none(), st.datetimes()), min_size=1, max_size=4),
    st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-99, max_value=99, places=2), min_size=1, max_size=5),
    st.lists(TEXT, min_size=1, max_size=5),
)
LABELS = st.sampled_from([("0", "1"), ("No", "Yes"), ("good", "bad"), ("1", "2"), ("", "0", "1"), ("a\n", 'b"'), ("0.0", "1.0")])


@st.composite
def months(draw: st.DrawFn) -> tuple[list[pd.DataFrame], bool]:
    """Two snapshots of one table with key, label and up to four columns of anything, and whether they are Parquet."""
    typed = draw(st.booleans())
    headers = draw(st.lists(HEADERS.filter(lambda text: text not in {"id", "churned"}), min_size=1, max_size=4, unique=True))
    label = draw(LABELS)
    frames = []
    for month in range(2):
        frame = pd.DataFrame(
            {"id": [f"K{row}" for row in range(ROWS)], "churned": [label[row % len(label)] for row in range(ROWS)]}
        )
        for header in headers:
            cells = draw(VALUES if typed else CELLS)
            frame[header] = pd.Series([cells[(row * (month + 1)) % len(cells)] for row in range(ROWS)])
        frames.append(frame)
    return frames, typed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=months())
def test_what_is_written_loads_and_takes_every_snapshot_that_it_was_guessed_from(
    drawn: tuple[list[pd.DataFrame], bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    frames, typed = drawn
    root = tmp_path_factory.mktemp("law")
    try:
        held(frames, root, typed=typed)
    finally:
        shutil.rmtree(root)


def held(frames: list[pd.DataFrame], root: Path, *, typed: bool) -> None:
    for name, frame in zip(("2024-01-31", "2024-02-29"), frames, strict=True):
        folder = root / "data" / name
        folder.mkdir(parents=True)
        if typed:
            frame.to_parquet(folder / "people.parquet", index=False)
        else:
            frame.to_csv(folder / "people.csv", index=False)
    try:
        found = guess(root / "data")
    except UserError as error:
        said = str(error)
        assert said
        return
    (root / "ratchet.yaml").write_text(found.text, encoding="utf-8")
    source = TableSource(root / "data", load_project(root / "ratchet.yaml"))
    problems = [problem.sentence("id") for name in source.names() for problem in source.check(name)]
    assert not problems, (problems, found.text.split("slices:")[0])

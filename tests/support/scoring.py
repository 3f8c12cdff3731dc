"""Scores of the fakes' months: small batches and parts, a target that dies, and what a row alone is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pyarrow.parquet as pq

from ratchet.core.schema import Snapshot
from ratchet.estimators import bundle as bundles
from ratchet.estimators.plain.encoding import row_of
from ratchet.scores.file import ScoreFile, folder_beside
from ratchet.scores.kept import KeptScores
from ratchet.scores.port import Rows, Target
from ratchet.sources import row_file, row_query
from ratchet.steps import score
from ratchet.steps.parts import stored_rows
from ratchet.steps.parts.stored_rows import StoredRows
from tests.support.loop import Loop

BATCH, PART = 250, 500


@contextmanager
def small() -> Iterator[None]:
    """Batches and parts that a month of the fakes has several of."""
    with (
        patch.object(stored_rows, "BATCH", BATCH),
        patch.object(row_file, "BATCH", BATCH),
        patch.object(row_query, "BATCH", BATCH),
        patch.object(score, "PART", PART),
    ):
        yield


def file_target(path: Path) -> KeptScores:
    return KeptScores(folder_beside(path), ScoreFile(path))


def stored(loop: Loop, snapshot: Snapshot) -> StoredRows:
    return StoredRows(loop.store, snapshot, loop.project.entity)


def scored(loop: Loop, rows: Rows, target: Target, **how: Any) -> score.Scored:
    how = {"say": loop.said.append, "threads": 2, **how}
    return score.run(loop.project, loop.at.registry, loop.at.journal, rows, target, **how)


def row_by_row(loop: Loop, snapshot: Snapshot, version: int) -> dict[str, float]:
    """What serving would answer for each entity."""
    scorer = bundles.read(loop.at.registry.folder / str(version)).scorer
    columns = loop.store.columns(snapshot, ["id", "a", "b", "c"])
    return {entity: scorer.row(row_of(scorer.features, columns, k)) for k, entity in enumerate(columns["id"].tolist())}


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        found: pd.DataFrame = pq.read_table(path).to_pandas()
        return found
    return pd.read_csv(path, dtype={"id": str}, float_precision="round_trip")


class Dying:
    """A target whose calls are heard before and after they are made, so that a test can die there."""

    def __init__(self, target: Target, hear: Callable[[str], None]) -> None:
        self._target, self._hear = target, hear

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name not in {"begin", "keep", "publish"}:
            return found

        def heard(*args: Any, **options: Any) -> Any:
            self._hear(f"before {name}")
            answer = found(*args, **options)
            self._hear(f"after {name}")
            return answer

        return heard

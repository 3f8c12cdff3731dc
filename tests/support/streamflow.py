"""The real StreamFlow snapshots, where this machine has them: beside the project, or where RATCHET_TEST_DATA says."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from ratchet.core.schema import Columns, column
from ratchet.project.file import Project, load_project

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def real_data() -> Path | None:
    """The folder of the snapshots `month_000`, `month_001`, ..., or None."""
    named = os.environ.get("RATCHET_TEST_DATA")
    folder = Path(named) if named else PROJECT_ROOT.parent / "shared" / "data" / "streamflow"
    return folder if folder.is_dir() else None


def _snapshot_dirs() -> list[Path]:
    folder = real_data()
    return sorted(item for item in folder.iterdir() if (item / "users.csv").is_file()) if folder else []


# For pytest.mark.parametrize: where the data is absent, tests have fewer cases and none is skipped.
SNAPSHOT_DIRS: list[Path] = _snapshot_dirs()


def streamflow() -> Project:
    """The project file of this repository."""
    return load_project(PROJECT_ROOT / "ratchet.yaml")


def feature_columns(folder: Path) -> Columns:
    """The features of one snapshot folder in the project's order, one row a user, straight from the CSV files."""
    project = streamflow()
    joined = pd.read_csv(folder / "users.csv", dtype=str)[[project.entity]]
    for table in dict.fromkeys(item.table for item in project.features):
        wanted = [item.name for item in project.features if item.table == table]
        frame = pd.read_csv(folder / f"{table}.csv", usecols=[project.entity, *wanted])
        joined = joined.merge(frame, on=project.entity, how="left", validate="one_to_one")
    return {item.name: column(item.feature, joined[item.name].tolist()) for item in project.features}

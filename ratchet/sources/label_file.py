"""A CSV file of late labels."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import numpy as np

from ratchet.core.errors import DataError
from ratchet.core.schema import Columns


def read_label_file(path: Path, entity: str, label: str) -> Columns:
    """Read columns `prediction_id` and/or the entity key, the label, and optionally `observed_at`, all as text.

    Args:
        path: CSV with a header, UTF-8 with or without a byte order mark, its cells between commas, semicolons, tabs or bars. A row
            whose label is empty is left out: it is not known yet.
        entity: the entity key's name in the project; its column may also be called `entity`.
        label: the label's name in the project; its column may also be called `label`.

    Raises:
        DataError: the file cannot be read, is empty, or a row has more or fewer cells than the header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=_separator(text)) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"the label file {path} cannot be read: {error}"
        raise DataError(message) from error
    if len(rows) < 2:  # noqa: PLR2004 - header and a row
        message = f"the label file {path} has no row: it needs a header and one label a row"
        raise DataError(message)
    header = [{entity: "entity", label: "label"}.get(name.strip(), name.strip()) for name in rows[0]]
    uneven = next((number for number, row in enumerate(rows[1:], start=2) if len(row) != len(header)), None)
    if uneven is not None:
        message = f"the label file {path}, line {uneven}: {len(rows[uneven - 1])} cells where the header has {len(header)}"
        raise DataError(message)
    at = header.index("label") if "label" in header else None
    known = [row for row in rows[1:] if at is None or row[at].strip()]
    if not known:
        message = f"the label file {path} has no label: the cells of all {len(rows) - 1} rows are empty"
        raise DataError(message)
    cells = np.array(known, dtype=object)
    return {
        name: cells[:, index] for index, name in enumerate(header) if name in {"prediction_id", "entity", "label", "observed_at"}
    }


def _separator(text: str) -> str:
    """What stands between the names of the header: a comma, unless there is none."""
    header = text.partition("\n")[0]
    return max(",;\t|", key=lambda mark: (bool(header.count(mark)), mark == ",", header.count(mark)))

"""A CSV file of late labels."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.core.errors import DataError
from ratchet.core.schema import Columns
from ratchet.project.file import Project
from ratchet.sources.cells import NULLS
from ratchet.sources.label_cells import positives, spelling
from ratchet.sources.which_tables import key_of

_MARKS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_READ = ("prediction_id", "entity", "label", "observed_at")


def _nothing(_: str) -> None:
    """Nobody listens."""


def read_late_labels(path: Path, project: Project, say: Callable[[str], object] = _nothing) -> Columns:
    """As `read_label_file`, under every name and header that the project has for key and label."""
    keys = {project.entity, *(key_of(project, table) for table in project.tables)}
    label = project.label
    return read_label_file(path, project.entity, label.name, (*keys, label.column), positive=label.positive, keys=keys, say=say)


def read_label_file(
    path: Path,
    entity: str,
    label: str,
    headers: Collection[str] = (),
    *,
    positive: str | None = None,
    keys: Collection[str] = (),
    say: Callable[[str], object] = _nothing,
) -> Columns:
    """Read columns `prediction_id` and/or the entity key, the label, and optionally `observed_at`, all as text.

    Args:
        path: CSV with a header, UTF-8 with or without a byte order mark, its cells between commas, semicolons, tabs or bars. A row
            whose label is empty is left out: it is not known yet.
        entity: the entity key's name in the project; its column may also be called `entity`.
        label: the label's name in the project; its column may also be called `label`.
        headers: what else key and label are called; those that are not in `keys` are the label's.
        positive: the label's value that counts as 1, where ratchet.yaml says it; the labels come as `1` and `0` then.
        keys: the headers of the key.
        say: hears what is odd about labels that are taken.

    Raises:
        DataError: the file cannot be read, is empty, a row has more or fewer cells than the header, two columns are the key's or
            the label's, or the labels are none.
    """
    rows = _rows(path)
    names = {entity: "entity", label: "label"} | {name: "entity" if name in keys else "label" for name in headers}
    written = [name.strip() for name in rows[0]]
    header = [names.get(name, name) for name in written]
    if len(header) == 1 and header[0] not in _READ:
        message = f"the label file {path} has one column, {written[0][:80]!r}: its cells stand between none of {_marks()}"
        raise DataError(message)
    for name in _READ:
        if header.count(name) > 1:
            both = ", ".join(text for text, meant in zip(written, header, strict=True) if meant == name)
            message = f"the label file {path} has {header.count(name)} columns for {name}: {both}; leave one"
            raise DataError(message)
    uneven = next((number for number, row in enumerate(rows[1:], start=2) if len(row) != len(header)), None)
    if uneven is not None:
        message = f"the label file {path}, line {uneven}: {len(rows[uneven - 1])} cells where the header has {len(header)}"
        raise DataError(message)
    at = header.index("label") if "label" in header else None
    known = [row for row in rows[1:] if at is None or not _is_empty(row[at], positive)]
    if not known:
        message = f"the label file {path} has no label: the cells of all {len(rows) - 1} rows are empty"
        raise DataError(message)
    cells = np.array(known, dtype=object)
    columns = {name: cells[:, index] for index, name in enumerate(header) if name in _READ}
    if positive is not None and "label" in columns:
        columns["label"] = _zero_or_one(path, columns["label"], positive, say)
    return columns


def _rows(path: Path) -> list[list[str]]:
    """Header and rows, none of them empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=_separator(text)) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"the label file {path} cannot be read: {error}"
        raise DataError(message) from error
    if len(rows) < 2:  # noqa: PLR2004 - header and a row
        message = f"the label file {path} has no row: it needs a header and one label a row"
        raise DataError(message)
    return rows


def _is_empty(cell: str, positive: str | None) -> bool:
    text = cell.strip()
    return text in NULLS and (positive is None or text != positive.strip())


def _zero_or_one(path: Path, cells: Iterable[Any], positive: str, say: Callable[[str], object]) -> Any:
    texts = [spelling(cell, positive) for cell in cells]
    found = positives(Counter(text for text in texts if text is not None), positive)
    if found.problem:
        message = f"the label file {path}: {found.problem}"
        raise DataError(message)
    if found.note:
        say(f"{path}: {found.note}")
    return np.array([str(found.labels[text or ""]) for text in texts], dtype=object)


def _separator(text: str) -> str:
    """What stands between the names of the header: a comma, unless there is none."""
    header = text.partition("\n")[0]
    return max(_MARKS, key=lambda mark: (bool(header.count(mark)), mark == ",", header.count(mark)))


def _marks() -> str:
    *others, last = _MARKS.values()
    return f"{', '.join(others)} and {last}"

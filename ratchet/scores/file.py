"""Scores as one file, Parquet or CSV: written beside its place and renamed when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ratchet.clients.durable import staged, write_synced
from ratchet.core.errors import UserError
from ratchet.scores.kept import Parts

SUFFIXES = (".parquet", ".csv")


class ScoreFile:
    """Implements `ratchet.scores.kept.Publisher`.

    Args:
        path: the file; its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """The path."""
        return str(self._path)

    def check(self) -> None:
        """Raise UserError where no file can be of that name."""
        if not self._path.parent.is_dir():
            message = f"--out {self._path}: there is no folder {self._path.parent}, make it first"
            raise UserError(message)
        if self._path.is_dir():
            message = f"--out {self._path} is a folder: name a file in it that ends in {' or '.join(SUFFIXES)}"
            raise UserError(message)

    def publish(self, parts: Parts) -> None:
        """Write all parts into one file, then rename it."""
        with staged(self._path) as path:
            write_synced(path, lambda file: write(file, parts, suffix_of(self._path.name)))


def write(file: Any, parts: Parts, suffix: str) -> None:
    """All parts as one Parquet or CSV file, one part in memory at a time."""
    make: Callable[[], Any] = (
        (lambda: pa_csv.CSVWriter(file, parts.schema, write_options=pa_csv.WriteOptions(quoting_style="needed")))
        if suffix == ".csv"
        else (lambda: pq.ParquetWriter(file, parts.schema, compression="zstd", use_dictionary=_constant(parts.schema)))
    )
    with make() as writer:
        for table in parts:
            writer.write_table(table)


def _constant(schema: pa.Schema) -> list[str]:
    """The columns that are worth a dictionary: keys and scores have a value a row."""
    return [field.name for field in schema if pa.types.is_date(field.type) or pa.types.is_integer(field.type)]


def folder_beside(path: Path) -> Path:
    """Where the parts of a file are kept: in its folder, so that whoever goes on finds them."""
    return path.with_name(f".{path.name}.parts")


def suffix_of(name: str) -> str:
    """Raises UserError where the name is not that of a Parquet or a CSV file."""
    found = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    if not found:
        message = f"--out {name[:200]} says no form: it ends in {_either(SUFFIXES)}, or is postgresql+psycopg://…#table"
        raise UserError(message)
    return found


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)

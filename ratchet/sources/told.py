"""What ratchet.yaml says of a table's files: their name, and how they are written where that is not to be recognised."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.schema import DType
from ratchet.project.file import Project


@dataclass(frozen=True, slots=True)
class Told:
    """Keys of a table in ratchet.yaml; None is to be recognised."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None


def told_of(project: Project, table: str) -> Told:
    """What is said of this table."""
    said = project.table(table)
    return Told(said.encoding, said.separator, said.decimal)


def numbers_of(project: Project, table: str) -> list[str]:
    """The headers of the table's columns that are numbers, and so may have a decimal comma."""
    kinds = (DType.INT, DType.FLOAT)
    return [column.header for column in project.columns if column.table == table and column.dtype in kinds]

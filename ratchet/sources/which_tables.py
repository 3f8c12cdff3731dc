"""What is read of each table, and which tables list the entities."""

from __future__ import annotations

from ratchet.project.columns import Column
from ratchet.project.file import Project


def columns_of(project: Project, table: str) -> list[Column]:
    """Features, slices and group that stand in the table."""
    return [column for column in project.columns if column.table == table]


def headers_of(project: Project, table: str) -> list[str]:
    """The headers to read of it, each once: the key first, the label's last."""
    label = [project.label.column] if table == project.label.table else []
    return list(dict.fromkeys([key_of(project, table), *(column.header for column in columns_of(project, table)), *label]))


def key_of(project: Project, table: str) -> str:
    """The entity's header in the table."""
    return project.table(table).key or project.entity


def stem_of(project: Project, table: str) -> str:
    """The table's file without its ending."""
    return project.table(table).file or table


def brings_labels_alone(project: Project, table: str) -> bool:
    """Whether the label's table has no column beside the label: it may be missing, and have fewer rows than there are entities."""
    return table == project.label.table and not columns_of(project, table)


def may_be_missing(project: Project, table: str) -> bool:
    """Whether a snapshot without that table is one: the labels come later, or the table is optional."""
    return brings_labels_alone(project, table) or project.table(table).optional


def entity_table(project: Project) -> str:
    """The first table that may not be missing: the list of entities."""
    return next((table for table in project.tables if not may_be_missing(project, table)), "")

"""The tasks that there are, by name. A new one is a folder beside `binary` and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from ratchet.project.file import Project
from ratchet.tasks.binary.task import BINARY
from ratchet.tasks.task import Task

TASKS: Mapping[str, Task] = {task.name: task for task in (BINARY,)}


def task_of(project: Project) -> Task:
    """The task of a project, by the kind of its label."""
    return TASKS[project.label.task]

"""The project file as it would have to be for what was found to be fine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ratchet.clients.durable import staged, write_synced
from ratchet.core.errors import ProjectError
from ratchet.project import yaml_text
from ratchet.project.file import Project
from ratchet.sources.learn.changes import changes
from ratchet.sources.learn.edited import difference, edited
from ratchet.sources.problems import Problem


@dataclass(frozen=True, slots=True)
class Learnt:
    """The file's text before and after, their unified diff (empty where nothing can be learnt), and the project after."""

    before: str
    after: str
    difference: str
    project: Project


def learn(path: Path, project: Project, problems: Iterable[Problem]) -> Learnt:
    """What the findings teach. Raises ProjectError where the file cannot be read, or has to be changed by hand."""
    before = _text(path)
    after = edited(before, changes(project, problems))
    try:
        changed = Project.model_validate(yaml_text.loads(after)).beside(path.parent)
    except ValidationError as error:
        message = f"what was found cannot be put into {path}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        raise ProjectError(message) from error
    return Learnt(before, after, difference(before, after, path.name), changed)


def written(path: Path, learnt: Learnt) -> None:
    """Write the file, whole or not at all. Raises ProjectError where it cannot be written, or is another one by now."""
    if _text(path) != learnt.before:
        message = f"{path} was changed meanwhile, and is left as it is: try again"
        raise ProjectError(message)
    path = path.resolve()  # a link stays one
    try:
        with staged(path) as temporary:
            write_synced(temporary, lambda file: file.write(learnt.after.encode()))
            shutil.copymode(path, temporary)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise ProjectError(message) from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # line ends as they are
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise ProjectError(message) from error

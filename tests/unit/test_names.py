"""Names that several programs share stand once: a variable that a sentence names is one that is read."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic_settings import BaseSettings

from pipelines.runners.kubeflow.settings import KubeflowSettings
from ratchet.apps.ui.settings import UiSettings
from ratchet.core import headers
from ratchet.settings import MODEL_DIGEST, MODEL_VERSION, Settings

ROOT = Path(__file__).parents[2]
SOURCES = [path for room in ("components", "pipelines", "ratchet", "serving") for path in (ROOT / room).rglob("*.py")]
DEBUG = "RATCHET_DEBUG"  # read where the command line ends, for a trace


def variables(settings: type[BaseSettings]) -> set[str]:
    prefix = str(settings.model_config["env_prefix"])
    return {f"{prefix}{name.upper()}" for name in settings.model_fields}


def test_every_variable_that_the_code_names_is_one_that_is_read() -> None:
    read = {*variables(Settings), *variables(UiSettings), *variables(KubeflowSettings), MODEL_VERSION, MODEL_DIGEST, DEBUG}
    named = {
        (name, path.relative_to(ROOT).as_posix())
        for path in SOURCES
        for name in re.findall(r"RATCHET_[A-Z]+(?:_[A-Z]+)*(?![A-Z_*<{])", path.read_text(encoding="utf-8"))
    }
    assert {item for item in named if item[0] not in read} == set()


def test_each_header_of_ours_is_spelt_in_one_file() -> None:
    for name in (headers.PROBE, headers.STATE):
        assert [path.name for path in SOURCES if f'"{name}"' in path.read_text(encoding="utf-8")] == ["headers.py"]


WHO_MAY_NAME_A_METRIC = {
    "ratchet/tasks/binary",
    "ratchet/core/policy.py",  # the keys of ratchet.yaml
    "ratchet/sources/guess/copies.py",  # which guesses binary labels, and what copies them
    "ratchet/project/file.py",  # likewise
    "ratchet/steps/evaluation_record.py",  # likewise
    "ratchet/core/events",  # readers of the first form
    "ratchet/estimators/bundle.py",  # of golden rows as the first release wrote them
    "ratchet/requests/migrations",  # of its tables
    "ratchet/estimators/plain/scoring.py",  # scikit-learn's name of a function
}


def test_a_tasks_metrics_are_named_in_its_folder_alone() -> None:
    templates = [path for room in ("ratchet", "serving") for path in (ROOT / room).rglob("*.j2")]
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in (*SOURCES, *templates)
        if re.search(r"auc(?!tion)|brier|probabilit|predict_proba", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    assert {name for name in naming if not name.startswith(tuple(WHO_MAY_NAME_A_METRIC))} == set()


WHO_MAY_NAME_A_LABEL = {
    "ratchet/tasks/binary",
    "ratchet/estimators/plain/extraction.py",  # whose scorers repeat pipelines of two classes
    "ratchet/clients/content_hash.py",  # knows numbers by their width
    "ratchet/sources/guess",  # which guesses binary labels, and what copies them
}


def test_what_a_label_may_be_is_said_by_the_task_alone() -> None:
    """Sources, snapshots, late labels and training ask it: `label` of the task."""
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"\b0 or 1\b|(?<!pa\.)\bint8\b|, \(0, 1\)\)|labels? 0 and 1", path.read_text(encoding="utf-8"))
    }
    assert {name for name in naming if not name.startswith(tuple(WHO_MAY_NAME_A_LABEL))} == set()

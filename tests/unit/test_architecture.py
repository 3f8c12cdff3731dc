"""The import contracts of pyproject.toml hold, and each of them notices what it is there to notice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import Contract
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

from tests.support.import_contracts import AllowList, Rooms

ROOT = Path(__file__).parents[2]
TOOLS = {"charts", "benchmarks", "cluster", "docs", "tests"}  # not installed, and the product does without them
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
OPTIONS: dict[str, Mapping[str, Any]] = {options["name"]: options for options in CONFIGURATION["contracts_options"]}
TYPES: dict[str, type[Contract]] = {
    "allow_list": AllowList,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
    "rooms": Rooms,
}
# contract, a module that is new or there already, and what it imports (nothing: that it is there is the breach)
BREACHES = [
    ("the top-level packages: imports point one way", "components.train.component", "pipelines.task_pods"),
    ("the top-level packages: imports point one way", "serving.api", "ratchet.apps.cli.console"),
    ("the top-level packages: imports point one way", "serving.api", "pipelines.task_pods"),
    ("the product does without the repository's tools", "ratchet.core.gate", "tests"),
    ("the product does without the repository's tools", "serving.api", "cluster"),
    ("the library's rooms: imports point one way, and each room stands in a layer", "ratchet.new_room", ""),
    ("the library's rooms: imports point one way, and each room stands in a layer", "ratchet.core.gate", "ratchet.steps.train"),
    ("the library's rooms: imports point one way, and each room stands in a layer", "ratchet.ledger.sql", "ratchet.locks.port"),
    ("use cases do not know each other, and each stands in the list", "ratchet.steps.new_step", ""),
    ("use cases do not know each other, and each stands in the list", "ratchet.steps.train", "ratchet.steps.ingest"),
    ("use cases and the promotion get their adapters as arguments", "ratchet.promotion.move", "ratchet.clients.s3"),
    ("use cases and the promotion get their adapters as arguments", "ratchet.steps.train", "mlflow"),
    ("nobody imports an adapter but the wiring", "ratchet.apps.ui.now", "ratchet.ledger.sql"),
    ("nobody imports an adapter but the wiring", "ratchet.apps.ui.now", "ratchet.sources.new_adapter"),
    ("nobody imports an adapter but the wiring", "serving.api", "ratchet.features.feast_features"),
    ("nobody imports an adapter but the wiring", "ratchet.steps.train", "ratchet.registry.mlflow_registry"),
    ("adapters do not know each other", "ratchet.rollout.deployment", "ratchet.rollout.processes"),
    ("core is pure", "ratchet.core.gate", "httpx"),
    ("core is pure", "ratchet.core.gate", "pandas"),
    ("core is pure", "ratchet.core.gate", "ratchet.project.file"),
    ("drift is arithmetic on counts", "ratchet.drift.verdict", "requests"),
    ("estimators reach no network", "ratchet.estimators.bundle", "httpx"),
    ("a vendor's SDK is imported in its adapter alone", "ratchet.apps.ui.now", "mlflow"),
    ("a vendor's SDK is imported in its adapter alone", "ratchet.ledger.sql", "boto3"),
]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*CONFIGURATION["session_options"]["root_packages"], include_external_packages=True, cache_dir=None)


def kept(name: str, graph: grimp.ImportGraph) -> bool:
    options = OPTIONS[name]
    contract = TYPES[options["type"]](name, CONFIGURATION["session_options"], dict(options))
    return contract.check(deepcopy(graph), verbose=False).kept


@pytest.mark.parametrize("name", OPTIONS)
def test_a_contract_is_kept_and_has_a_case_that_breaks_it(name: str, graph: grimp.ImportGraph) -> None:
    assert kept(name, graph)
    assert name in {contract for contract, _, _ in BREACHES}


@pytest.mark.parametrize(("name", "module", "imported"), BREACHES)
def test_a_breach_is_noticed(name: str, module: str, imported: str, graph: grimp.ImportGraph) -> None:
    broken = deepcopy(graph)
    broken.add_module(module)
    if imported:
        broken.add_module(
            imported, is_squashed=broken.is_module_squashed(imported) if imported in broken.modules else "." not in imported
        )
        broken.add_import(importer=module, imported=imported)
    assert not kept(name, broken)


def test_make_lint_fails_and_names_every_contract_that_is_broken(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in (*CONFIGURATION["session_options"]["root_packages"], "tests/support"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for _, module, imported in BREACHES:
        path = tmp_path / f"{module.replace('.', '/')}.py"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{text}\nimport {imported}\n" if imported else text, encoding="utf-8")
    (tmp_path / "ratchet/sources/new_adapter.py").touch()
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert [name for name in OPTIONS if f"{name} BROKEN" not in done.stdout] == []


def test_every_package_of_the_repository_is_checked_or_a_tool() -> None:
    folders = (path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    packages = {path.name for path in folders if next(path.rglob("*.py"), None)}
    assert packages - TOOLS == set(CONFIGURATION["session_options"]["root_packages"])


def test_whatever_the_wiring_builds_is_listed_among_the_adapters_that_do_not_know_each_other(graph: grimp.ImportGraph) -> None:
    """A new adapter is independent of the others from its first line on."""
    options = OPTIONS["nobody imports an adapter but the wiring"]
    rooms, doors = tuple(f"{room}." for room in options["rooms"]), tuple(options["doors"])
    built = {name for name in graph.find_modules_directly_imported_by("ratchet.wiring") if name.startswith(rooms)}
    built = {name for name in built if not name.endswith(".port") and not name.startswith(doors)}
    assert built == set(OPTIONS["adapters do not know each other"]["modules"])


def test_the_picture_has_every_layer_in_the_contracts_order() -> None:
    picture = (ROOT / "docs/explanation/house.svg").read_text(encoding="utf-8")
    outer = OPTIONS["the top-level packages: imports point one way"]["layers"]
    inner = OPTIONS["the library's rooms: imports point one way, and each room stands in a layer"]["layers"]
    rows = [layer.removeprefix("ratchet.").split(" | ") for layer in (*outer, *inner[inner.index("wiring") + 1 :])]
    drawn = {name: int(y) for y, name in re.findall(r'<text x="\d+" y="(\d+)"[^>]*>(\w+)(?=[:<])', picture)}
    assert {name for row in rows for name in row} == drawn.keys()
    assert all(max(drawn[name] for name in upper) < min(drawn[name] for name in lower) for upper, lower in pairwise(rows))


@pytest.mark.parametrize("path", sorted((ROOT / "components").glob("*/component.py")), ids=lambda path: path.parent.name)
def test_a_component_is_a_thin_shell(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 30, "what it does belongs into ratchet/steps"

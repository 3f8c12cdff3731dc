"""Importing a module of ours does no work: no environment variable is read or set, no file opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "import_program.py"
PACKAGES = ("ratchet", "components", "pipelines", "serving")
TRAPS = {"RATCHET_KFP_URL": "foo", "RATCHET_PORT": "none", "RATCHET_UI_PORT": "none", "RATCHET_HOME": "/dev/null"}  # not usable

SETTINGS = """from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    port: str
Settings(_env_prefix="RATCHET_")
"""


def imported(*packages: str, path: Path = ROOT) -> dict[str, Any]:
    """What a process of its own did while it imported them, with settings in its environment that nothing can use."""
    environment = {**os.environ, **TRAPS, "PYTHONPATH": str(path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *packages], env=environment, cwd=path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_importing_any_module_of_ours_reads_no_setting_and_sets_none_and_opens_no_file() -> None:
    done = imported(*PACKAGES)
    assert done["deeds"] == []
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert len(done["imported"]) >= len(files), "a module was left out"


@pytest.mark.parametrize(
    ("deed", "seen"),
    [
        ("import os; os.environ['ANY'] = '1'", "work.at_import:1 sets ANY"),
        ("import os; os.environ.pop('RATCHET_PORT')", "work.at_import:1 sets RATCHET_PORT"),
        ("import os; os.getenv('RATCHET_PORT')", "work.at_import:1 reads RATCHET_PORT"),
        ("open('/dev/null').close()", "work.at_import:1 opens /dev/null"),
        (SETTINGS, "work.at_import:4 reads RATCHET_PORT"),
    ],
)
def test_work_at_import_is_seen(deed: str, seen: str, tmp_path: Path) -> None:
    package = tmp_path / "work"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "at_import.py").write_text(deed)
    assert any(seen in each for each in imported("work", path=tmp_path)["deeds"])

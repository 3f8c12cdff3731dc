"""What `uvx --from ratchet-ct ratchet demo` gets: the wheel holds all that the packages read, and works elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("components", "pipelines", "ratchet", "serving")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([ROOT / ".tools/bin/uv", "build", "--quiet", "--out-dir", folder], cwd=ROOT, check=True)
    return folder


def _tracked() -> set[str]:
    """Every file of the packages that git knows or would add, and that is there."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PACKAGES]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == _tracked()
    assert any(name.endswith(".j2") for name in held)


def test_the_sdist_is_what_the_wheel_is_made_of(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    others = {"pyproject.toml", "PKG-INFO", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"}
    assert held == _tracked() | others


def test_the_example_that_travels_is_this_repositorys_project() -> None:
    assert (ROOT / "ratchet/apps/demo/streamflow.yaml").read_bytes() == (ROOT / "ratchet.yaml").read_bytes()


def test_the_demo_begins_in_an_empty_folder(built: Path, tmp_path: Path) -> None:
    site, here = tmp_path / "site", tmp_path / "empty"
    here.mkdir()
    shutil.unpack_archive(next(built.glob("*.whl")), site, "zip")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
    demo = subprocess.Popen(
        [sys.executable, "-P", "-m", "ratchet", "demo"],
        cwd=here,
        env=kept | {"PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    said: list[str] = []
    for text in demo.stdout:
        said.append(text)
        if "--snapshot month_001" in text:  # the first command has ended, its exit code was 0
            break
    demo.terminate()
    demo.communicate()
    assert any("--snapshot month_001" in text for text in said), said
    assert (here / ".demo/ratchet.yaml").read_bytes() == (ROOT / "ratchet.yaml").read_bytes()
    assert (here / ".demo/data/month_000/labels.csv").stat().st_size

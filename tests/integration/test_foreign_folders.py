"""A user's own folders may be called as our packages are: what we start does not look for modules where the user stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.club import MEMBERS, Club
from tests.support.rollout_harness import until

RATCHET = Path(sys.executable).parent / "ratchet"  # as it is installed
PACKAGES = ("ratchet", "components", "pipelines", "serving")


def ask(club: Club) -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{club.port}/predict", json={"member": MEMBERS[0]}, timeout=60, trust_env=False)


@pytest.mark.skipif(not RATCHET.exists(), reason="the program ratchet is not installed beside this Python")
def test_run_and_serve_work_in_a_folder_that_has_folders_of_our_packages_names(tmp_path: Path) -> None:
    club = Club(tmp_path)
    made = club.ratchet("data", "generate", str(club.raw), "--snapshot", "month_000", "--users", "2000")
    assert made.code == 0, made.err
    place = tmp_path / "mine"
    for name in PACKAGES:
        (place / name).mkdir(parents=True)
        (place / name / "__init__.py").write_text("raise RuntimeError('this is the folder of a user')\n", encoding="utf-8")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "PYTHON"))
    } | club.environment

    command = [str(RATCHET), "run", "--data", str(club.raw), "--snapshot", "month_000"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[DECISION] promoted" in done.stdout

    with (
        (tmp_path / "serve.log").open("wb") as log,
        subprocess.Popen(
            [RATCHET, "serve"], cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as server,
    ):
        try:
            club.wait_for_server()
            answer = until(lambda: ask(club), lambda answer: answer.status_code != 503)  # until the version is loaded
        finally:
            server.send_signal(signal.SIGTERM)
    assert answer.status_code == 200, answer.text + (tmp_path / "serve.log").read_text(encoding="utf-8")

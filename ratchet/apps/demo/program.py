"""`ratchet demo`: the whole story on one machine, by the commands that a user would type."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ratchet.apps.cli.console import line, out
from ratchet.apps.demo.questions import questions
from ratchet.apps.demo.traffic import Traffic
from ratchet.clients.children import environment
from ratchet.core.errors import RatchetError, Unavailable, UserError
from ratchet.core.events import Entry, Moved
from ratchet.project.file import load_project
from ratchet.settings import Settings, load_settings
from ratchet.wiring import Wiring

_MARK = ".ratchet-demo"
# for a folder without a project: this repository's ratchet.yaml, as a wheel has it
_EXAMPLE = Path(__file__).with_name("streamflow.yaml")
_MONTHS: dict[str, list[str]] = {
    "month_000": [],
    "month_001": [],  # the same users a month later: nothing has changed but chance
    "month_002": ["--drift", "0.8", "--concept", "1"],
}


@dataclass(frozen=True)
class Demo:
    """One run of the story in `settings.home`."""

    settings: Settings
    data: Path

    def ratchet(self, *arguments: str) -> None:
        """Run a command, shown as typed; its output goes where ours goes. Raises RatchetError when it fails."""
        shown = " ".join(self._short(argument) for argument in arguments)
        out.print(f"\n$ ratchet {shown}", style="bold cyan", markup=False, soft_wrap=True)
        sys.stdout.flush()
        code = subprocess.run(self._command(arguments), env=environment(self.settings), check=False).returncode  # noqa: S603 - ourselves
        if code:
            message = f"`ratchet {shown}` ended with exit code {code}; the demo stops here"
            raise RatchetError(message)

    @staticmethod
    def _command(arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-P", "-m", "ratchet", *arguments]

    @staticmethod
    def _short(argument: str) -> str:
        here = f"{Path.cwd()}/"
        return argument.removeprefix(here) if argument.startswith(here) else argument

    @contextmanager
    def server(self) -> Iterator[None]:
        """`ratchet serve` in the background for the length of the block."""
        log = self.settings.home / "serve.log"
        out.print(f"\n$ ratchet serve &        # {self.settings.url}, log {self._short(str(log))}", style="bold cyan", markup=False)
        with log.open("wb") as file:
            process = subprocess.Popen(self._command(["serve"]), env=environment(self.settings), stdout=file, stderr=file)  # noqa: S603 - ourselves
        try:
            self._wait_for(process, log)
            yield
        finally:
            process.terminate()
            process.wait()

    def _wait_for(self, process: subprocess.Popen[bytes], log: Path) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            try:
                httpx.get(f"{self.settings.url}/livez", timeout=2, trust_env=False)
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return
        message = f"the server did not start: see {log}"
        raise Unavailable(message)


def tell(data: Path | None, home: Path) -> None:
    """Run the story: on generated months, or on the months of `data`. Raises RatchetError when a step fails."""
    demo = _prepare(data, home)
    started = time.monotonic()
    months = _generate(demo) if data is None else _months(demo)
    wiring = Wiring(demo.settings, load_project(demo.settings.project))
    with demo.server():
        demo.ratchet("run", "--data", str(demo.data), "--snapshot", months[0])
        bodies = questions(wiring, months[0])
        _predict(demo, wiring, bodies[0])
        for month in months[1:]:
            with Traffic(demo.settings.url, bodies) as traffic:
                demo.ratchet("run", "--data", str(demo.data), "--snapshot", month)
            line(f"[TRAFFIC] meanwhile {traffic.summary}")
        _predict(demo, wiring, bodies[0])
        demo.ratchet("labels", "--snapshot", months[-1])
        if len(_promotions(wiring)) > 1:
            with Traffic(demo.settings.url, bodies) as traffic:
                demo.ratchet("rollback", "--reason", "the demo shows the way back")
            line(f"[TRAFFIC] meanwhile {traffic.summary}")
            _predict(demo, wiring, bodies[0])
        demo.ratchet("history")
        demo.ratchet("status")
    _end(demo, _promotions(wiring), time.monotonic() - started)


def _prepare(data: Path | None, home: Path) -> Demo:
    """An empty home and a free port. Only a folder that an earlier demo made is emptied."""
    home = home.absolute()
    if home.exists() and not (home / _MARK).exists() and not (home.is_dir() and not any(home.iterdir())):
        message = f"{home} exists and is no demo's: name another folder by --folder"
        raise UserError(message)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / _MARK).touch()
    os.environ["RATCHET_HOME"] = str(home / "state")
    settings = load_settings()
    if data is None and not settings.project.exists() and not os.environ.get("RATCHET_PROJECT"):
        os.environ["RATCHET_PROJECT"] = str(shutil.copy(_EXAMPLE, home / "ratchet.yaml"))
        settings = load_settings()
    settings.home.mkdir()
    with socket.socket() as probe:
        if probe.connect_ex((settings.host, settings.port)) == 0 and "port" not in settings.model_fields_set:
            settings = settings.model_copy(update={"port": free_port(settings.host)})
    return Demo(settings, (data or home / "data").absolute())


def free_port(host: str) -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _generate(demo: Demo) -> list[str]:
    for month, options in _MONTHS.items():
        demo.ratchet("data", "generate", str(demo.data), "--snapshot", month, *options)
    return list(_MONTHS)


def _months(demo: Demo) -> list[str]:
    project = load_project(demo.settings.project)
    names = [item.name for item in sorted(demo.data.glob("*")) if item.is_dir() and not item.name.startswith(".")]
    if not names:
        message = f"{demo.data} holds no folder of a snapshot"
        raise UserError(message)
    return sorted(names, key=project.date_of)


def _predict(demo: Demo, wiring: Wiring, body: Mapping[str, Any]) -> None:
    brought = ["--features", json.dumps(body["features"])] if "features" in body else []
    demo.ratchet("predict", body[wiring.project.entity], *brought)


def _promotions(wiring: Wiring) -> Sequence[Entry[Moved]]:
    """The moves of production that were carried out."""
    return wiring.journal.history().done


def _end(demo: Demo, promotions: Sequence[Entry[Moved]], seconds: float) -> None:
    """The last screen: who is in production, why, and where the reports are."""
    out.rule("what happened")
    for entry in promotions:
        move = entry.event
        line(f"{entry.at:%H:%M:%S} UTC   version {move.to} into production ({move.cause}): {'; '.join(move.reasons)}")
    line(f"in production  version {promotions[-1].event.to}" if promotions else "in production  nobody")
    reports = Wiring(demo.settings, load_project(demo.settings.project)).settings.reports
    line(f"reports        {reports}")
    for report in sorted(reports.glob("*.html")):
        line(f"               {report.name}")
    line(f"state          {demo.settings.home}   (delete the folder to forget it)")
    project = f"RATCHET_PROJECT={demo.settings.project} " if os.environ.get("RATCHET_PROJECT") else ""
    line(f"look again     {project}RATCHET_HOME={demo.settings.home} ratchet history")
    line(f"it took        {seconds:.0f} s")

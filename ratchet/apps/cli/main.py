"""The command line. Every mistake of a user ends in one sentence on standard error and an exit code that is not 0."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ratchet.apps.cli import backtest, data, demo, exporter, production, project, retention, run, runs, score, serving, ui, watch
from ratchet.apps.cli.console import complain, err, out
from ratchet.clients.obstacles import forget_shared_metrics
from ratchet.clients.secrets import trace_of
from ratchet.core.errors import RatchetError

app = typer.Typer(
    name="ratchet",
    help="Keep a production model good and never let it slip back.",
    epilog="Start with: ratchet run --data DIR --snapshot NAME. Exit codes: 0 decided, 2 something to change, "
    "3 artifact or ledger damaged, 4 promotion not done, 75 try again later.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data")
for module in (demo, project, run, runs, score, backtest, watch, production, serving, ui, exporter, retention):
    module.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"ratchet {version('ratchet-ct')}")
        raise typer.Exit


@app.callback()
def options(
    project_file: Annotated[
        Path | None, typer.Option("--project", help="The project file (RATCHET_PROJECT; default ratchet.yaml).")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Folder of all state (RATCHET_HOME; default .ratchet beside the project file).")
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the trace of an error, and libraries' warnings.")] = False,  # noqa: FBT002
    _show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,  # noqa: FBT002
) -> None:
    """Options of all commands; they become the environment that every process of a run reads."""
    if project_file is not None:
        os.environ["RATCHET_PROJECT"] = str(project_file)
    if home is not None:
        os.environ["RATCHET_HOME"] = str(home)
    if debug:
        os.environ["RATCHET_DEBUG"] = "1"
    else:
        warnings.simplefilter("ignore")  # libraries' deprecations are for us, not for the one who types a command


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _said(error: BaseException) -> None:
    sys.stderr.write(trace_of(error))


def main() -> None:
    """Entry point. SIGTERM ends a command as Ctrl-C does; as process 1 of a container it would be ignored."""
    forget_shared_metrics()
    signal.signal(signal.SIGTERM, _interrupt)
    sys.excepthook = lambda _kind, error, _trace: _said(error)
    try:
        app()
    except RatchetError as error:
        if os.environ.get("RATCHET_DEBUG"):
            sys.stderr.write(trace_of(error))
        complain(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(130)

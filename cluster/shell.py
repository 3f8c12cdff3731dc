"""Other programs, run with their output kept for when they fail; and what a person sees meanwhile."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import IO, Any

from rich.console import Console

from ratchet.core.errors import UserError

console = Console(highlight=False, soft_wrap=True)
_TAIL = 25  # lines of a failed program's output that are shown


def run(
    command: Sequence[str | Path],
    *,
    stdin: bytes | IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        command: program and arguments.
        stdin: what it reads, bytes or an open file; nothing by default.
        env: its environment, this process's by default.
        log: file that keeps all of its output.
        timeout: seconds.

    Raises UserError with the end of its output when it fails, is not there or takes too long.
    """
    name = Path(command[0]).name
    given: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin or subprocess.DEVNULL}
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(  # noqa: S603 - programs that this package names
            list(command), capture_output=True, env=None if env is None else dict(env), timeout=timeout, check=False, **given
        )
    except FileNotFoundError as error:
        message = f"{name} is not installed"
        raise UserError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"{' '.join(map(str, command[:4]))} did not end within {timeout:.0f} s"
        raise UserError(message) from error
    output, errors = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output + errors, encoding="utf-8")
    if done.returncode:
        tail = "\n".join((output + errors).strip().splitlines()[-_TAIL:])
        message = f"{' '.join(map(str, command[:4]))} failed with code {done.returncode}:\n{tail}"
        raise UserError(message)
    return output


def succeeds(command: Sequence[str | Path]) -> bool:
    """Whether the program ends with 0; False also when it is not there."""
    if shutil.which(str(command[0])) is None:
        return False
    return subprocess.run(list(command), stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0  # noqa: S603 - as above


@contextmanager
def stage(title: str) -> Iterator[None]:
    """One line for a stage: what is being done while it lasts, and then how long it took. A log has both."""
    start = monotonic()
    if not console.is_terminal:
        console.print(f"  {title} ...", markup=False)
    with console.status(title):
        yield
    console.print(f"  {title} [dim]({monotonic() - start:.0f} s)[/dim]")

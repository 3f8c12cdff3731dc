"""What README and docs/ tell people to type."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from cluster.images import ROOT
from docs.generators.commands import options
from docs.generators.pages import made
from tests.support.rollout_harness import free_port
from tests.support.shell_blocks import blocks

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", ROOT / "docs" / "how-to" / "backtest.md"]
MARK = "--- command "


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", RUN, ids=name)
def test_every_block_is_run_here_or_says_what_runs_it(page: Path) -> None:
    for block in blocks(page):
        if block.elsewhere:
            file, text = block.elsewhere
            assert text in (ROOT / file).read_text(encoding="utf-8"), block.marker
        else:
            assert block.marker in {"", "needs a cluster"}, block.marker


@pytest.fixture
def shell(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with what a clone has and the blocks use, and an environment with `ratchet` on the path."""
    shutil.copy(ROOT / "ratchet.yaml", tmp_path)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RATCHET_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return tmp_path, {**kept, "PATH": path, "RATCHET_PORT": str(free_port()), "NO_PROXY": "*", "no_proxy": "*"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_blocks_run_in_order_and_print_what_the_page_shows(page: Path, shell: tuple[Path, dict[str, str]]) -> None:
    folder, environment = shell
    shown = [one for block in blocks(page) if block.runs_here for one in block.shown]
    script = "".join(f"printf '\\n{MARK}{at}\\n'\n{one.command}\n" for at, one in enumerate(shown))
    process = subprocess.Popen(
        ["/bin/bash", "-eu", "-c", script.replace("localhost:3000", f"localhost:{environment['RATCHET_PORT']}")],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # what the blocks leave running ends with the test
    )
    try:
        printed, _ = process.communicate()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed
    answers = re.split(rf"\n{MARK}\d+\n", printed)[1:]
    assert len(answers) == len(shown)
    for one, answer in zip(shown, answers, strict=True):
        pattern = ".*".join(masked(line) for line in one.output)
        assert re.search(pattern, answer, re.DOTALL), f"$ {one.command}\n{answer}\nis not what {page.name} shows:\n{one.output}"


def masked(line: str) -> str:
    """The line as a pattern: its figures are another machine's."""
    return re.sub(r"\d+", r"\\d+", re.escape(line.rstrip()))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    known = options()
    for words in commands(page):
        path = "ratchet"
        for word in words:
            if word.startswith("-") and word != "-":
                assert word.partition("=")[0] in known[path], f"{page.name}: {words}: {path} has no option {word}"
            elif f"{path} {word}" in known:
                path = f"{path} {word}"
        assert path != "ratchet" or all(word.startswith("-") for word in words[:1]), (
            f"{page.name}: {words}: there is no such command"
        )


def commands(page: Path) -> Iterator[list[str]]:
    """The words after `ratchet` of each command, in blocks and in the text."""
    lines = [one.command for block in blocks(page) for one in block.shown]
    lines += re.findall(r"(?<!`)`(ratchet(?: [^`\n]+)?)`(?!`)", page.read_text(encoding="utf-8"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        for punctuation, words in groupby(reader, lambda word: set(word) <= set(";|&<>()")):
            found = [word for word in words if word != "..."]
            if not punctuation and found[:1] == ["ratchet"]:
                yield found[1:]
            elif not punctuation and "--" in found:  # kubectl exec POD -- ratchet ...
                inner = found[found.index("--") + 1 :]
                if inner[:1] == ["ratchet"]:
                    yield inner[1:]


def test_each_page_that_is_made_from_the_code_has_something_to_say() -> None:
    pages = made()
    assert "ratchet rollback" in pages["reference/commands.md"]
    assert "| `min_delta` |" in pages["reference/ratchet-yaml.md"]
    assert "`RATCHET_TRACKING_URI`" in pages["reference/environment.md"]
    assert "## POST /predict_batch" in pages["reference/http-api.md"]
    assert "`serving.replicas`" in pages["reference/values.md"]

"""A project file of a few lines, or one without an end, costs a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.errors import ProjectError
from ratchet.project.file import load_project
from tests.support.streamflow import PROJECT_ROOT

GOOD = (PROJECT_ROOT / "ratchet.yaml").read_text(encoding="utf-8")


def doubled(first: str, levels: int, indent: str = "") -> str:
    """Each level names the one before it nine times."""
    lines = [f"{indent}x0: &x0 {first}"]
    lines += [f"{indent}x{level}: &x{level} [{','.join([f'*x{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(lines) + "\n"


MERGED = "a: &a {k: 1}\n" + "".join(
    f"b{level}: &b{level} {{<<: [{','.join(['*a' if level == 0 else f'*b{level - 1}'] * 9)}]}}\n" for level in range(9)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (doubled("[1,1,1,1,1,1,1,1,1]", 9) + GOOD, "with its aliases spelt out it has more than 100000 values"),
        (GOOD + "training:\n  logistic_regression:\n" + doubled("[1,1,1]", 9, "    "), "with its aliases spelt out"),
        (MERGED + GOOD, "with its aliases spelt out"),
        (GOOD + "training:\n  logistic_regression:\n    C: &c [*c]\n", "an alias stands within what it names"),
        ("a: " + "[" * 3000, "nested too deeply"),
        ("".join(f"k{number}: {'v' * 80}\n" for number in range(20_000)), "larger than 1048576 bytes"),
        ("? [a, b]\n: 1\n", "a key is text"),
        ("? {a: 1}\n: 1\n", "a key is text"),
    ],
    ids=["laughs", "laughs in a grid", "merges", "cycle", "deep", "large", "list as key", "mapping as key"],
)
def test_a_bomb_ends_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "ratchet.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=sentence) as refused:
        load_project(path)
    assert len(str(refused.value)) < 1000


def test_a_file_that_never_ends_is_read_no_further_than_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "ratchet.yaml"
    path.symlink_to("/dev/zero")
    with pytest.raises(ProjectError, match="larger than 1048576 bytes"):
        load_project(path)


def test_many_keys_are_looked_through_once(tmp_path: Path) -> None:
    path = tmp_path / "ratchet.yaml"
    path.write_text("".join(f"k{number}: 1\n" for number in range(2000)), encoding="utf-8")
    with pytest.raises(ProjectError, match="more"):
        load_project(path)


def test_aliases_as_people_use_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ratchet.yaml"
    path.write_text(GOOD.replace("range: [0, 600]", "range: &months [0, 600]"), encoding="utf-8")
    assert load_project(path) == load_project(PROJECT_ROOT / "ratchet.yaml")

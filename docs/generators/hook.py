"""MkDocs' hooks: the site has the pages that are made from the code, and the benchmarks' results, beside what lies in docs/."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from cluster.images import ROOT
from docs.generators.pages import made

_RESULTS = "benchmarks/results/"


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """MkDocs calls this once it has listed docs/."""
    for path, text in made().items():
        files.append(File.generated(config, path, content=text))
    for result in sorted((ROOT / _RESULTS).glob("*.*")):
        files.append(File.generated(config, f"{_RESULTS}{result.name}", abs_src_path=str(result)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Pages in docs/ link to results as they lie in the repository, so that the links work there too."""
    return markdown.replace(f"../{_RESULTS}", _RESULTS)

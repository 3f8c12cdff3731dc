"""MkDocs' hook: adds the pages that are made from the code to those in docs/."""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from handbook.pages import made


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """MkDocs calls this once it has listed docs/."""
    for path, text in made().items():
        files.append(File.generated(config, path, content=text))
    return files

"""A Feast repository that exists, opened to be read: its feature_store.yaml, its registry and its online store.

Feast makes what it does not find: an empty registry where the address is mistyped, an empty SQLite file. So both are looked for
first, and a repository that lacks one is named instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ratchet.clients.lean_imports import feast_importable
from ratchet.core.address import secrets_in
from ratchet.core.errors import Misconfigured, Unavailable
from ratchet.private_names import registry_store

with feast_importable():
    import feast.metrics  # noqa: F401 - as in feast_features
    from feast import FeatureStore, RepoConfig
    from feast.infra.registry import registry as registries

    from ratchet.features.feast_no_offline import TYPE as NO_OFFLINE

FILE = "feature_store.yaml"
_SECRET = ("password", "secret", "token", "key", "credential", "auth")
_LEAST = 4  # characters of a secret that stands for itself


@dataclass(frozen=True)
class Repository:
    """The folder of a feature_store.yaml.

    Args:
        folder: absolute; relative paths in the file are meant from there.
    """

    folder: Path

    @cached_property
    def said(self) -> Mapping[str, Any]:
        """The file, with `${VARIABLE}`s of the environment in their places as Feast puts them. Raises Misconfigured."""
        path = self.folder / FILE
        try:
            found = yaml.safe_load(os.path.expandvars(path.read_text(encoding="utf-8")))
        except OSError as error:
            message = f"feature_store.repository {self.folder} has no {FILE} that can be read ({error.strerror}): name its folder"
            raise Misconfigured(message) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            message = f"{path} is no YAML: mend it, or name another folder as feature_store.repository"
            raise Misconfigured(message) from error
        if not isinstance(found, dict) or "project" not in found:
            message = f"{path} is no Feast configuration, it names no project: name another folder as feature_store.repository"
            raise Misconfigured(message)
        return found

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What of the file no output may show, as addresses that have it in them."""
        return tuple(_secrets(self.said))

    def open(self, *, online: bool) -> Any:
        """Feast's FeatureStore; for look-ups without the libraries of an offline one.

        Raises Misconfigured when the registry is not there, Unavailable when an online store that is a file is not; and what Feast
        raises.
        """
        content = {**self.said, "offline_store": {"type": NO_OFFLINE}} if online else dict(self.said)
        config = RepoConfig(**content)
        config.repo_path = self.folder
        self._require_registry(config)
        if online and (file := self._online_file(config)) is not None and not file.exists():
            message = f"the online store {file} is not there: fill it with `feast materialize` in {self.folder}"
            raise Unavailable(message)
        return FeatureStore(repo_path=str(self.folder), config=config)  # else relative to where this process happens to be

    def _require_registry(self, config: RepoConfig) -> None:
        store = registry_store(registries, config.registry, self.folder)
        try:
            if store is not None:
                store.get_registry_proto()
        except FileNotFoundError as error:
            message = f"the registry of the Feast repository {self.folder} is not there: run `feast apply` in it, or mend {FILE}"
            raise Misconfigured(message) from error

    def _online_file(self, config: RepoConfig) -> Path | None:
        store = config.online_store
        if getattr(store, "type", "") != "sqlite":
            return None
        return self.folder / str(store.path)


def _secrets(content: Any, name: str = "") -> Iterator[str]:
    """Values under names that promise a secret, as the password of an address; and whole addresses."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _secrets(value, str(key).lower())
    elif isinstance(content, list):
        for value in content:
            yield from _secrets(value, name)
    elif isinstance(content, str) and len(content) >= _LEAST and any(word in name for word in _SECRET):
        yield f"x://x:{content}@x"
    elif isinstance(content, str) and secrets_in(content):
        yield content

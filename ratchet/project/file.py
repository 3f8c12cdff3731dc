"""ratchet.yaml as pydantic models: the one file in which a model project is described."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ratchet.core import schema
from ratchet.core.errors import DataError, ProjectError
from ratchet.core.policy import DriftPolicy, GatePolicy
from ratchet.project import yaml_text
from ratchet.project.columns import Column, Key, Label, Name, Strict, Table
from ratchet.project.identity import project_hash
from ratchet.project.own_code import OwnCode, own_code

Grid = dict[str, list[Any]]
Wish = Literal["performance", "live", "drift", "features", "age", "always"]
LINEAR: Grid = {"C": [0.1, 1.0]}
TREES: Grid = {"learning_rate": [0.1], "max_iter": [60], "max_leaf_nodes": [7, 15]}
RETRAIN: tuple[Wish, ...] = ("performance", "live", "drift", "features", "age")


class Holdout(Strict):
    """The entities that are never trained on: those whose salted hash falls into the share, or whose group's does."""

    salt: str = Field(min_length=1)  # another salt is another holdout
    share: float = Field(default=0.2, gt=0, lt=0.9)  # of the entities, or of the groups
    group: Name | Column | None = None  # what rows hang together by: a feature or slice by its name, or a column of its own

    @property
    def group_name(self) -> str:
        """The column of the groups; empty where every entity is one of its own."""
        return self.group.name if isinstance(self.group, Column) else self.group or ""

    @property
    def identity(self) -> str:
        """The salt that is hashed and that a version's tags keep: by households another holdout is left out than by entities."""
        return f"{self.salt} by {self.group_name}" if self.group else self.salt


class DataPolicy(Strict):
    """What ingest refuses."""

    min_rows: int = Field(default=100, ge=2)  # a smaller snapshot is refused
    respelled: Literal["refuse", "warn"] = "refuse"  # a snapshot whose keys are not spelled as those of the months before


class Policy(Strict):
    """The figures that the decisions are taken by."""

    data: DataPolicy = DataPolicy()
    drift: DriftPolicy = DriftPolicy()
    gate: GatePolicy = GatePolicy()
    approval: Literal["auto", "manual"] = "auto"  # manual: a PASS waits for `ratchet approve`
    max_age_days: int | None = Field(default=None, ge=1)  # of the champion's training snapshot; beyond it a candidate is trained
    retrain: tuple[Wish, ...] = RETRAIN  # what asks for a candidate; a first model and --force always do
    challengers: int = Field(default=3, ge=0, le=20)  # refused candidates that go on being measured; 0: none


class Training(Strict):
    """The search: a small grid, by cross-validation inside the training entities."""

    model_config = ConfigDict(extra="allow")  # a key beside those below is an estimator's name, which the wiring checks
    __pydantic_extra__: dict[str, Grid | None]

    window: int = Field(default=1, ge=1)  # newest labelled snapshots to train on
    windows: tuple[Annotated[int, Field(ge=1, le=60)], ...] = ()  # further ones: each is a recipe, and the best is offered
    folds: int = Field(default=4, ge=2, le=20)  # of the cross-validation inside the training entities
    seed: int = Field(default=20240131, ge=0, lt=2**32)  # numpy's
    logistic_regression: Grid | None = Field(default_factory=LINEAR.copy)
    hist_gradient_boosting: Grid | None = Field(default_factory=TREES.copy)

    @model_validator(mode="after")
    def _something_to_try(self) -> Self:
        if all(grid is None for grid in self.grids.values()):
            message = "name at least one of logistic_regression and hist_gradient_boosting"
            raise ValueError(message)
        return self

    @property
    def recipes(self) -> tuple[int, ...]:
        """Of how many labelled snapshots candidates are made, fewest first."""
        return tuple(sorted({self.window, *self.windows}))

    @property
    def grids(self) -> dict[str, Grid | None]:
        """What to try, by estimator: parameters and their values; None leaves the estimator out."""
        return {
            "logistic_regression": self.logistic_regression,
            "hist_gradient_boosting": self.hist_gradient_boosting,
            **self.__pydantic_extra__,
        }


class Stale(Strict):
    """What an answer does when the stored features of its entity are old."""

    days: int = Field(ge=1)  # older than so many days, by their snapshot's date
    then: Literal["warn", "refuse"] = "warn"  # say so in the answer, or answer 409


class FeastRepository(Strict):
    """A Feast repository that exists: its definitions and stores are used as they are, and nothing is written to it."""

    repository: str = Field(min_length=1)  # the folder of its feature_store.yaml
    service: Name  # the feature service that lists the model's inputs under their names
    key: Name | None = None  # the join key, where it is not the entity's name


Store = Literal["feast", "none"] | FeastRepository


class Serving(Strict):
    """How answers are made."""

    posted: Literal["never", "alone", "over"] = "never"  # features in a request: refused, in place of stored ones, over them
    stale: Stale | None = None  # what is done about an entity whose stored features are old
    threshold: float = Field(default=0.5, gt=0, lt=1)  # from this probability on the prediction is 1
    max_batch: int = Field(default=1000, ge=1, le=10_000)  # entities of one /predict_batch
    golden_rows: int = Field(default=20, ge=1)  # stored with a version and answered before it serves


class Project(Strict):
    """A model project."""

    model: Name  # name in the registry
    key: Name | Key = Field(alias="entity")  # the key's column, in every table
    snapshots: dict[str, date] = Field(default_factory=dict)  # a folder's name to its date, where the name is no date
    snapshot_query: str | None = Field(default=None, min_length=1)  # of a database: its dates, one a row
    described_tables: tuple[Name | Table, ...] = Field(min_length=1, alias="tables")  # names of the files
    label: Label
    features: tuple[Column, ...] = Field(min_length=1)  # the model's inputs
    slices: tuple[Column, ...] = ()  # groups for which no candidate may get worse; no inputs
    holdout: Holdout
    policy: Policy = Policy()
    training: Training = Training()
    serving: Serving = Serving()
    feature_store: Store = "feast"  # where features are kept: ours, a Feast repository's, or none: a request brings them
    prepare: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None  # package.module:function, run over the tables as read
    _own_code: OwnCode | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        names = [self.entity, self.label.name, *(c.name for c in self.columns)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"column named more than once among entity, label, features and slices: {', '.join(twice)}"
            raise ValueError(message)
        if isinstance(self.holdout.group, str) and self.holdout.group not in names[2:]:
            message = f"holdout.group names no feature and no slice: {self.holdout.group}; describe it as {{name, table, dtype}}"
            raise ValueError(message)
        self._check_where_features_are()
        if self.takes_posted != "never" and self.entity == "features":
            message = "the entity cannot be called features where requests bring features under that name: give it a `name:`"
            raise ValueError(message)
        missing = sorted({self.label.table, *(c.table for c in self.in_tables.columns)} - set(self.tables))
        if missing:
            message = f"table not listed under tables: {', '.join(missing)}"
            raise ValueError(message)
        alike = [name for name in self.tables if self.tables.count(name) > 1]
        if alike:
            message = f"table listed more than once under tables: {alike[0]}"
            raise ValueError(message)
        sure = [
            name for name in self.tables if not self.table(name).optional and (name != self.label.table or self._stand_in(name))
        ]
        if not sure:
            message = "no table lists the entities: one that is not optional and not of labels alone has to"
            raise ValueError(message)
        copies = [c.name for c in self._stand_in(self.label.table) if c.header == self.label.column]
        if copies:
            message = f"{copies[0]} is the label's own column {self.label.column!r}: a feature may not read it"
            raise ValueError(message)
        dates = list(self.snapshots.values())
        if len(set(dates)) < len(dates):
            message = "two snapshots have the same date"
            raise ValueError(message)
        return self

    def _check_where_features_are(self) -> None:
        """Raise ValueError when a column is said to be nowhere, or in two places."""
        elsewhere = self.features if isinstance(self.feature_store, FeastRepository) else ()
        nowhere = [c.name for c in self.columns if not c.table and c not in elsewhere]
        if nowhere:
            message = f"table is missing of {', '.join(nowhere)}: name the table that the column stands in"
            raise ValueError(message)
        twice = [c.name for c in elsewhere if c.table or c.column]
        if twice:
            message = (
                f"features come from Feast, by the names that they have there: leave table and column out of {', '.join(twice)}"
            )
            raise ValueError(message)
        dates = [c.name for c in elsewhere if c.dtype is schema.DType.DATE]
        if dates:
            message = f"a date cannot come from Feast, let a feature view there make numbers of it: {', '.join(dates)}"
            raise ValueError(message)
        lists = {name for name in self.tables if not self.table(name).optional and name != self.label.table}
        if elsewhere and not lists and not any(c.table == self.label.table for c in self.in_tables.columns):
            message = "tables lists no table of the entities beside the label's: features come from Feast, entities from a table"
            raise ValueError(message)

    @property
    def in_tables(self) -> Self:
        """The project as far as a snapshot's tables go: without features that come from elsewhere."""
        if not isinstance(self.feature_store, FeastRepository):
            return self
        return self.model_copy(update={"features": ()})

    @property
    def entity(self) -> str:
        """What the key is called in whatever we store."""
        return self.key.name if isinstance(self.key, Key) else self.key

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables' names."""
        return tuple(one if isinstance(one, str) else one.name for one in self.described_tables)

    def table(self, name: str) -> Table:
        """What the file says of that table; `key` is the entity's header in it. Raises StopIteration when it is not listed."""
        one = next(one for one in self.described_tables if name == (one if isinstance(one, str) else one.name))
        found = Table(name=one) if isinstance(one, str) else one
        return found.model_copy(update={"key": found.key or (self.key.column if isinstance(self.key, Key) else self.key)})

    def _stand_in(self, table: str) -> list[Column]:
        return [column for column in self.columns if column.table == table]

    def may_lack(self, column: Column) -> bool:
        """Whether entities may be without the column's table, which is optional; a feature of a Feast repository has none."""
        return bool(column.table) and self.table(column.table).optional

    @property
    def keeps_features(self) -> bool:
        """Whether features are looked up for a request; without a store a request must bring them."""
        return self.feature_store != "none"

    @property
    def takes_posted(self) -> Literal["never", "alone", "over"]:
        """What a request may bring: where no features are kept it brings all of them, whatever `serving.posted` says."""
        return self.serving.posted if self.keeps_features else "alone"

    @property
    def columns(self) -> tuple[Column, ...]:
        """Features, then slices, then the holdout's group where it is a column of its own."""
        group = self.holdout.group
        return (*self.features, *self.slices, *((group,) if isinstance(group, Column) else ()))

    @property
    def inputs(self) -> tuple[schema.Feature, ...]:
        """The model's inputs, in order."""
        return tuple(c.feature for c in self.features)

    @property
    def declared(self) -> dict[str, tuple[str, ...]]:
        """The categories that are listed, by column: it is their spelling that codes are read in."""
        return {column.name: column.categories for column in self.columns if column.categories}

    @property
    def hash(self) -> str:
        """SHA-256 hex digest of everything that can change a decision (the snapshots' dates cannot), the user's own code too."""
        facts = self.model_dump(mode="json", exclude={"snapshots", "serving", "snapshot_query", "feature_store"})
        return project_hash(facts | ({"prepare": f"{self.prepare} {self.prepare_digest}"} if self.prepare else {}))

    @property
    def own_code(self) -> OwnCode | None:
        """The function that `prepare` names; None without one, and for a project that was not read from a file."""
        return self._own_code

    @property
    def prepare_digest(self) -> str:
        """SHA-256 hex digest of that function's sources, empty without one."""
        return self._own_code.digest if self._own_code else ""

    def beside(self, folder: Path) -> Self:
        """With its own code looked up, ratchet.yaml lying in that folder. Raises ProjectError."""
        if self.prepare:
            self._own_code = own_code(self.prepare, folder.absolute())
        return self

    def date_of(self, snapshot: str) -> date:
        """The date of a snapshot: as ratchet.yaml maps it, or the name itself when it is an ISO date.

        Raises DataError when it is neither.
        """
        if snapshot in self.snapshots:
            return self.snapshots[snapshot]
        try:
            return date.fromisoformat(snapshot)
        except ValueError as error:
            message = f"snapshot {snapshot!r} has no date: add it under snapshots in ratchet.yaml, or name its folder 2024-02-29"
            raise DataError(message) from error


_NO_KEY = "there is no such key"
_PHRASES = {"extra_forbidden": _NO_KEY, "unexpected_keyword_argument": _NO_KEY, "missing": "is missing"}


def _said(error: Exception) -> str:
    """What is wrong with the text, and in which line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())


def _wrong(problem: ErrorDetails) -> str:
    """What is wrong with one value, in a few words."""
    part, *keys = problem["loc"] or ("",)
    if part == "training" and keys and keys[0] not in Training.model_fields and problem["type"] == "dict_type":
        return _NO_KEY  # it would be an estimator's name, if a grid stood there
    return _PHRASES.get(problem["type"], problem["msg"].removeprefix("Value error, "))


def load_project(path: Path) -> Project:
    """Read and check ratchet.yaml. Raises ProjectError with the first thing that is wrong, and where."""
    try:
        content = yaml_text.read(path)
    except FileNotFoundError as error:
        message = f"there is no project file at {path}: `ratchet init DATA` writes one, or name it by --project"
        raise ProjectError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}): name a project file by --project"
        raise ProjectError(message) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        message = f"{path} is not a project file: {_said(error)}; `ratchet init DATA` writes one to compare with"
        raise ProjectError(message) from error
    if not isinstance(content, dict):
        message = f"{path} holds no project: it has no `model:` and the rest; `ratchet init DATA` writes one to compare with"
        raise ProjectError(message)
    try:
        project = Project.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        first = problems[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = f"{path}: {where}: {_wrong(first)}{more}"
        raise ProjectError(message) from error
    return project.beside(path.parent)

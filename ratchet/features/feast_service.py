"""What a feature service of somebody else's has to have, so that a project can take its features from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.clients.lean_imports import feast_importable
from ratchet.core.errors import Misconfigured
from ratchet.core.schema import DType, Feature

with feast_importable():
    import feast.metrics  # noqa: F401 - as in feast_features
    from feast.types import Bool, Float32, Float64, Int32, Int64, String

_FIT = {
    DType.INT: (Int32, Int64),
    DType.FLOAT: (Float32, Float64, Int32, Int64),
    DType.BOOL: (Bool,),
    DType.CATEGORY: (String,),
}
_BITS = 63  # of an integer that is a key


@dataclass(frozen=True, slots=True)
class Service:
    """A feature service that fits.

    `single` names the features that its online store keeps in single precision, whatever the offline one has.
    """

    feast: Any
    key: str
    key_is_int: bool
    single: frozenset[str]

    def key_of(self, entity: str) -> str | int | None:
        """The join key's value for an entity; None where an integer is wanted and the name is none in its one spelling."""
        if not self.key_is_int:
            return entity
        digits = entity.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(1 << _BITS)):
            return None
        number = int(entity)
        return number if str(number) == entity and -(1 << _BITS) <= number < 1 << _BITS else None


def fitting(store: Any, name: str, key: str, features: Sequence[Feature]) -> Service:
    """The service, looked through. Raises Misconfigured, saying what it lacks, when the project cannot live on it.

    Args:
        store: Feast's FeatureStore.
        name: of the feature service.
        key: the join key's name.
        features: the model's inputs.
    """
    services = {service.name: service for service in store.list_feature_services()}
    if name not in services:
        there = ", ".join(sorted(services)) or "none"
        message = (
            f"Feast's project {store.project} has no feature service {name} (there: {there}): name one as feature_store.service"
        )
        raise Misconfigured(message)
    service = services[name]
    types = _types(service)
    _require_features(name, types, features)
    return Service(service, key, _key_is_int(store, service, key), frozenset(n for n, dtype in types.items() if dtype == Float32))


def _types(service: Any) -> dict[str, Any]:
    """Feast's type of each feature. Raises Misconfigured when two views bring one of the same name."""
    found: dict[str, Any] = {}
    for projection in service.feature_view_projections:
        for field in projection.features:
            if field.name in found:
                message = f"Feast's service {service.name} has two features {field.name}: give one of them another name there"
                raise Misconfigured(message)
            found[field.name] = field.dtype
    return found


def _require_features(name: str, types: Mapping[str, Any], features: Sequence[Feature]) -> None:
    lacking = [feature.name for feature in features if feature.name not in types]
    if lacking:
        there = ", ".join(sorted(types)) or "nothing"
        message = (
            f"Feast's service {name} lacks {', '.join(lacking)} (it has {there}): add them there, or take them out of ratchet.yaml"
        )
        raise Misconfigured(message)
    for feature in features:
        if types[feature.name] not in _FIT.get(feature.dtype, ()):
            kept = getattr(types[feature.name], "name", str(types[feature.name])).lower()
            message = f"{feature.name} is {kept} in Feast's service {name}, which is no {feature.dtype.value}: mend its dtype"
            raise Misconfigured(message)


def _key_is_int(store: Any, service: Any, key: str) -> bool:
    """Whether the join key is an integer. Raises Misconfigured when a view has other keys, or one of another type."""
    views = {view.name: view for view in (*store.list_feature_views(), *store.list_stream_feature_views())}
    kinds: dict[str, bool] = {}
    for projection in service.feature_view_projections:
        view = views.get(projection.name)
        for field in () if view is None else view.entity_columns:  # a view on demand has no keys of its own
            asked_by = projection.join_key_map.get(field.name, field.name)
            if asked_by != key:
                message = (
                    f"Feast's view {projection.name} is looked up by {asked_by}, and requests give {key} alone: "
                    "name the join key as feature_store.key, or take the view out of the service"
                )
                raise Misconfigured(message)
            if field.dtype not in (Int32, Int64, String):
                message = f"the join key {key} of Feast's view {projection.name} is neither text nor an integer"
                raise Misconfigured(message)
            kinds[projection.name] = field.dtype != String
    if len(set(kinds.values())) > 1:
        message = f"the join key {key} is text in some views of Feast's service {service.name} and an integer in others"
        raise Misconfigured(message)
    return any(kinds.values())

"""Values as they are kept and shown: read-only mappings that can be pickled and copied, and anything as plain JSON."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, cast

Key = TypeVar("Key")
Value = TypeVar("Value")


class Displayed:
    """What a notebook cell shows by the macro of its class in `cells.html`; a subclass shows itself as that class."""

    def _repr_html_(self) -> str:
        from research.report.notebook import in_notebook

        shown = next(one for one in type(self).__mro__ if Displayed in one.__bases__)
        return in_notebook(shown.__name__, self)


def frozen(values: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """A read-only copy of a mapping, and of the mappings in it."""
    return MappingProxyType({key: _frozen(value) for key, value in values.items()})


def _frozen(value: Value) -> Value:
    return cast(Value, frozen(value)) if isinstance(value, Mapping) else value


def plain(value: Any) -> Any:
    """Dicts, lists, text, truth and finite numbers; what is not finite becomes ``None``, a date its ISO form."""
    if type(value) in (str, int, bool, NoneType):  # these two are most of what there is
        return value
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return plain(value.tolist())
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def plain_dict(values: Mapping[str, object]) -> dict[str, object]:
    """The same of each value of a mapping."""
    return {key: plain(value) for key, value in values.items()}


def _pickled(values: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return frozen, (dict(values),)


copyreg.pickle(MappingProxyType, _pickled)

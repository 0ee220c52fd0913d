"""Tells which keys a model accepts at a place inside it: a wrong key is answered with the right ones."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def keys_at(model: type[BaseModel], where: Sequence[int | str]) -> list[str]:
    """The keys accepted at a location such as `("tables", "orders")`; [] where it is no mapping."""
    annotation: Any = model
    for part in where:
        annotation = _inside(annotation, part)
    found = next((kind for kind in _plain(annotation) if _is_model(kind)), None)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _inside(annotation: Any, part: int | str) -> Any:
    for kind in _plain(annotation):
        if _is_model(kind):
            for name, field in kind.model_fields.items():
                if part in (name, field.alias):
                    return field.annotation
        elif get_origin(kind) is dict:
            return get_args(kind)[1]
        elif get_origin(kind) in (tuple, list) and isinstance(part, int):
            return get_args(kind)[0]
    return None


def _plain(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without `Annotated` and `Union` around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _plain(inner)
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)

"""Plain data (from YAML or JSON) into dataclasses: unknown keys and wrong types are errors."""

import dataclasses
import types
import typing
from typing import Any, Literal, TypeVar

from ttvos.core.errors import UserError

T = TypeVar("T")


def build(kind: type[T], value: Any, where: str) -> T:
    """Turn plain data into an instance of the dataclass `kind`.

    where: how to name the place in an error, e.g. "mini.yaml: train".
    Raises UserError for an unknown key, a missing one, a value of another type, or one that
    the dataclass itself refuses.
    """
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected keys and values, got {value!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise UserError(f"{where}: unknown key {key!r}; known keys: {known}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in value:
            raise UserError(f"{where}: the key {name!r} is missing")
    hints = typing.get_type_hints(kind)
    items = {key: convert(hints[key], item, f"{where}.{key}") for key, item in value.items()}
    try:
        return kind(**items)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def convert(hint: Any, value: Any, where: str) -> Any:
    """Check `value` against a type hint; lists become tuples, nested data dataclasses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_optional(arguments, value, where)
    if origin is Literal:
        if value not in arguments:
            raise UserError(f"{where}: {value!r} is not one of {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise UserError(f"{where}: expected keys and values, got {value!r}")
        return {key: convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)
    return _convert_scalar(hint, value, where)


def _convert_optional(arguments: tuple, value: Any, where: str) -> Any:
    kinds = [kind for kind in arguments if kind is not type(None)]
    if value is None and len(kinds) < len(arguments):
        return None
    return convert(kinds[0], value, where)


def _convert_tuple(arguments: tuple, value: Any, where: str) -> tuple:
    if not isinstance(value, (list, tuple)):
        raise UserError(f"{where}: expected a list, got {value!r}")
    if arguments[-1] is Ellipsis:
        return tuple(convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(arguments):
        raise UserError(f"{where}: expected {len(arguments)} values, got {len(value)}")
    return tuple(convert(kind, item, where) for kind, item in zip(arguments, value, strict=True))


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if isinstance(value, str) and hint in (bool, int, float):
        value = _read_text(hint, value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    matches = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    if not matches:
        raise UserError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value


def _read_text(hint: Any, text: str) -> Any:
    """A number or truth value given as text, as Snakemake gives what stands inside --config
    "KEY={...}"; any other text stays as it is, and is refused."""
    if hint is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return hint(text)
    except ValueError:
        return text

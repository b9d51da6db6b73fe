"""Plain data (from YAML or JSON) into frozen dataclasses, checked by pydantic.

    @settings
    class Motion:
        rotation: float = 8.0

    build(Motion, {"rotaton": 12}, "mine.yaml: motion")
    UserError: mine.yaml: motion: unknown key 'rotaton'; did you mean 'rotation'? known keys: ...

Values must have the exact type: no text for a truth value, no truth value for a number. Numbers
given as text are read, because so Snakemake gives what stands inside --config "KEY={...}".
pydantic is imported when something is first checked, so that `ttvos --help` need not wait for it.
"""

import dataclasses
import difflib
import json
import re
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, dataclass_transform

from ttvos.core.errors import UserError

T = TypeVar("T")
UNKNOWN = "unexpected_keyword_argument"  # pydantic's name of it
EXPECTED = {  # pydantic's name of what is wrong: what was expected, in words
    "int_type": "int",
    "int_from_float": "int",
    "float_type": "float",
    "bool_type": "bool",
    "string_type": "str",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "dataclass_type": "keys and values",
}


class _Refused(UserError, ValueError):
    """What a class refuses: a ValueError too, so that pydantic tells its place."""


@dataclass_transform(frozen_default=True)
def settings(kind: type[T]) -> type[T]:
    """Make a class a frozen dataclass that `build` checks, with what `__post_init__` refuses."""
    kind.__pydantic_config__ = {"extra": "forbid", "strict": True}
    if "__post_init__" in vars(kind):
        kind.__post_init__ = _refusing(kind.__post_init__)
    return dataclasses.dataclass(frozen=True)(kind)


def _refusing(check: Callable[[Any], None]) -> Callable[[Any], None]:
    def checked(self: Any) -> None:
        try:
            check(self)
        except UserError as error:
            raise _Refused(str(error)) from None

    return checked


def build(kind: type[T], value: Any, where: str) -> T:
    """Turn plain data into an instance of a class of settings.

    where: how to name the place in an error, e.g. "mini.yaml: train".
    Raises UserError for an unknown key (and names the nearest), a missing one, a value of another
    type, or one that the class itself refuses.
    """
    from pydantic import ValidationError

    try:
        # As JSON, of which pydantic takes lists for tuples and nothing else for anything else.
        return _adapter(kind).validate_json(json.dumps(value, default=str))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    changed = _with_numbers(value, errors)
    if changed is not None:
        return build(kind, changed, where)
    raise UserError(_told(_worst(errors), kind, where))


def json_schema(kind: type) -> dict[str, Any]:
    """JSON Schema of a class of settings."""
    return _adapter(kind).json_schema()


@cache
def _adapter(kind: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _with_numbers(value: Any, errors: list[dict[str, Any]]) -> Any:
    """The data with numbers and truth values in place of texts that are such; None without any."""
    changed = None
    for error in errors:
        read = READ.get(error["type"])
        if read and isinstance(error["input"], str):
            try:
                number = read(error["input"])
            except (ValueError, KeyError):
                continue
            changed = _put(value if changed is None else changed, error["loc"], number)
    return changed


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


# What a text may stand for, by pydantic's name of what is wrong; a choice may be of numbers.
READ = {"int_type": int, "float_type": float, "bool_type": _truth, "literal_error": int}


def _put(data: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """A copy of nested data with another value at a place."""
    if not place:
        return value
    key, *rest = place
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[key] = _put(data[key], tuple(rest), value)
    return copy


def _worst(errors: list[dict[str, Any]]) -> dict[str, Any]:
    """The error to tell: a wrong key rather than what is missing in its place."""
    return min(errors, key=lambda error: error["type"] != UNKNOWN)


def _told(error: dict[str, Any], kind: Any, where: str) -> str:
    """One error in one line, with its place."""
    place, given, what = error["loc"], error["input"], error["type"]
    at, above = _at(where, place), _at(where, place[:-1])
    if what == UNKNOWN:
        return f"{above}: {_unknown(place[-1], _names(kind, place[:-1]))}"
    if what == "missing" and isinstance(place[-1], str):
        return f"{above}: the key {place[-1]!r} is missing"
    if what == "value_error":
        return f"{at}: {error['ctx']['error']}"
    if what == "literal_error":
        choices = re.findall(r"'([^']*)'|(\d+)", error["ctx"]["expected"])
        return f"{at}: {given!r} is not one of {', '.join(a or b for a, b in choices)}"
    if what == "missing":  # of a pair
        return f"{above}: expected {place[-1] + 1} values or more, got {given!r}"
    if what == "too_long":
        return f"{at}: expected {error['ctx']['max_length']} values, got {given!r}"
    return f"{at}: expected {EXPECTED.get(what, error['msg'])}, got {given!r}"


def _unknown(key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown key {key!r}; {hint}known keys: {', '.join(sorted(names))}"


def _names(kind: Any, place: tuple[str | int, ...]) -> list[str]:
    """The keys that are known at a place of nested data."""
    for key in place:
        fields = typing.get_type_hints(_settings_in(kind))
        kind = fields.get(key, kind)  # a number, or a name of a dictionary's, leads no further in
    return [field.name for field in dataclasses.fields(_settings_in(kind))]


def _settings_in(hint: Any) -> Any:
    """The class of settings inside a hint such as tuple[Stage, ...] or Motion | None."""
    if dataclasses.is_dataclass(hint):
        return hint
    found = (_settings_in(argument) for argument in typing.get_args(hint))
    return next((kind for kind in found if kind), None)


def _at(where: str, place: tuple[str | int, ...]) -> str:
    return where + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)

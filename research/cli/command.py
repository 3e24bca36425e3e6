"""A command from a function: each parameter an option or an argument, and of a group of options each field.

A parameter is declared as ``Annotated[type, option(…)]`` or ``Annotated[type, argument(…)]``; without a default it is
required, ``bool`` is a flag, ``list`` may be given more than once, and ``Literal`` is a choice.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from research.cli.config import configured
from research.errors import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What is said of a parameter beside its type; one without names is an argument if ``positional``."""

    names: tuple[str, ...] = ()
    help: str
    metavar: str | None = None
    least: int | None = None
    positional: bool = False


def option(*names: str, help: str, metavar: str | None = None, least: int | None = None) -> Declared:
    """An option, by default of the parameter's own name."""
    return Declared(names=names, help=help, metavar=metavar, least=least)


def argument(*, help: str, metavar: str) -> Declared:
    """What stands by itself on the line."""
    return Declared(help=help, metavar=metavar, positional=True)


class Commands(click.Group):
    """Commands by the module that holds each, which is imported when its command is asked for."""

    def __init__(self, name: str, own: Callable[..., None], homes: Mapping[str, str]) -> None:
        made = command(name, own)
        super().__init__(name, params=made.params, callback=made.callback, help=made.help, invoke_without_command=True)
        self.homes = homes

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In their order."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it."""
        if cmd_name not in self.homes:
            ctx.fail(f"No such command {cmd_name!r}{did_you_mean(cmd_name, self.homes)}")
        found = getattr(import_module(f"research.cli.{self.homes[cmd_name]}"), cmd_name)
        return found if isinstance(found, click.Command) else command(cmd_name, found)


def command(name: str, function: Callable[..., None]) -> click.Command:
    """A command that calls a function with its parameters, and with each group of options as one value."""
    parameters = inspect.signature(function).parameters
    hints = get_type_hints(function, include_extras=True)
    groups = {key: kind for key, kind in hints.items() if isinstance(kind, type) and is_dataclass(kind)}
    params = [
        _parameter(key, hints[key], parameter.default)
        for key, parameter in parameters.items()
        if key not in groups and key in hints
    ]
    held = {key: list(_of_group(kind)) for key, kind in groups.items()}

    def call(**given: object) -> None:
        values = {key: value if value != () else None for key, value in given.items()}
        made = {
            key: kind(**configured({str(param.name): values.pop(str(param.name)) for param in held[key]}))
            for key, kind in groups.items()
        }
        function(**values, **made)

    text = inspect.getdoc(function) or ""
    params += chain.from_iterable(held.values())
    return click.Command(name, params=params, callback=call, help=text, short_help=text.partition("\n")[0])


def _of_group(group: type) -> Iterator[click.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        if get_origin(hints[field.name]) is Annotated:
            yield _parameter(field.name, hints[field.name], field.default)


def _parameter(name: str, hint: object, default: object) -> click.Parameter:
    kind, said = get_args(hint)
    (kind,) = [item for item in get_args(kind) if item is not NoneType] if _is_union(kind) else [kind]
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    how: dict[str, Any] = {"metavar": said.metavar, "help": said.help}
    if default is inspect.Parameter.empty or default is MISSING:
        how["required"] = True
    elif not many:
        how["default"] = default
    how |= {"is_flag": True} if kind is bool else {"type": _type(kind, said)}
    if said.positional:
        return click.Argument([name], nargs=-1 if many else 1, **{"required": False, **how})
    names = said.names or (f"--{name.replace('_', '-')}",)
    shown = isinstance(default, int | float | Path) and default is not False
    return click.Option([name, *names], multiple=many, show_default=shown, **how)


def _is_union(kind: object) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _type(kind: type, said: Declared) -> click.ParamType[Any] | type:
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    if kind is Path:
        return click.Path(path_type=Path)
    return click.IntRange(min=said.least) if said.least is not None else kind

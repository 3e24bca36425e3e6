"""A command from a function: its parameters are options, and of a group of options (a dataclass) each field is one.

The type says what is read: ``bool`` is a flag, ``list`` may be given more than once, ``Literal`` is a choice; what has
no default is required. ``Annotated[type, …]`` adds what a type cannot say: other names (``"--all"``), a range, or
``click.Argument`` for what stands by itself on the line. The docstring is the help; it describes each parameter as
numpydoc has it, and what stands there for the type stands in the help for the value: ``folds : N``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from research.cli.config import NO_CONFIG, configured
from research.cli.options import THESIS
from research.errors import did_you_mean

T = TypeVar("T")
Described = Mapping[str, tuple[str | None, str]]
"""What stands for the value of a parameter, and its help."""

_DESCRIPTION = re.compile(r"^(\w+)(?: : (.+))?\n((?: {4}.+\n?)+)", re.MULTILINE)


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
    hints, described = get_type_hints(function, include_extras=True), _described(function)
    groups: dict[str, tuple[type, list[click.Parameter]]] = {}
    params = _anywhere(hidden=name != "assay")
    for key, parameter in inspect.signature(function).parameters.items():
        if is_dataclass(hints[key]):
            groups[key] = hints[key], list(_of_group(hints[key]))
            params += groups[key][1]
        else:
            params.append(_parameter(key, hints[key], parameter.default, described))

    def call(**given: object) -> None:
        values = {key: value if value != () else None for key, value in given.items()}
        made = {
            key: kind(**configured({str(param.name): values.pop(str(param.name)) for param in held}))
            for key, (kind, held) in groups.items()
        }
        function(**values, **made)

    text = (inspect.getdoc(function) or "").partition("\n\nParameters\n")[0]
    return click.Command(name, params=params, callback=call, help=text, short_help=text.partition("\n")[0])


def _anywhere(*, hidden: bool) -> list[click.Parameter]:
    """The options of ``assay`` itself, which may stand behind a command too, whose help does not repeat them."""
    words = "A folder with another thesis.toml and its strategies. Anywhere on the line."
    thesis = click.Option(["--thesis"], type=Path, metavar="DIR", help=words, hidden=hidden, callback=_put(THESIS))
    words = "Do not read assay.toml or pyproject.toml. Anywhere on the line."
    no_config = click.Option(["--no-config"], is_flag=True, help=words, hidden=hidden, callback=_put(NO_CONFIG))
    thesis.expose_value = no_config.expose_value = False
    return [thesis, no_config]


def _put(variable: ContextVar[T]) -> Callable[[click.Context, click.Parameter, T], None]:
    """A callback that keeps what was given; of what was not, ``assay`` itself forgets what was given before."""

    def put(context: click.Context, parameter: click.Parameter, value: T) -> None:
        if value or context.parent is None:
            variable.set(value)

    return put


def _of_group(group: type) -> Iterator[click.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    described = {name: said for kind in reversed(group.__mro__) for name, said in _described(kind).items()}
    for field in fields(group):
        if field.metadata.get("option", True):
            yield _parameter(field.name, hints[field.name], field.default, described)


def _described(documented: object) -> Described:
    """Of each parameter or attribute that a docstring describes."""
    _, _, section = (inspect.getdoc(documented) or "").partition("\n----------\n")
    return {name: (value or None, " ".join(text.split())) for name, value, text in _DESCRIPTION.findall(section)}


def _parameter(name: str, hint: object, default: object, described: Described) -> click.Parameter:
    kind, *said = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (item for item in get_args(kind) if item is not NoneType)
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    value, text = described.get(name, (None, ""))
    how: dict[str, Any] = {"metavar": value, "help": text}
    if default is inspect.Parameter.empty or default is MISSING:
        how["required"] = True
    elif not many:
        how["default"] = default
    how |= {"is_flag": True} if kind is bool else {"type": _type(kind, said)}
    if click.Argument in said:
        return click.Argument([name], nargs=-1 if many else 1, **{"required": False, **how})
    names = [item for item in said if isinstance(item, str)] or [f"--{name.replace('_', '-')}"]
    shown = isinstance(default, int | float | Path) and default is not False
    return click.Option([name, *names], multiple=many, show_default=shown, **how)


def _type(kind: type, said: list[object]) -> click.ParamType[Any] | type:
    given = [item for item in said if isinstance(item, click.ParamType)]
    if given:
        return given[0]
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    return click.Path(path_type=Path) if kind is Path else kind

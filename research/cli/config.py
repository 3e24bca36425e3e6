"""The config file: ``assay.toml`` in the working folder, else ``[tool.assay]`` in its ``pyproject.toml``.

::

    data = ["~/prices"]     # packs, as --data
    price = "spot"

    [terms]
    fees = 0.002            # delay, fees, slippage, storage, borrow

    [rules]
    level = 0.01            # level, min_events

The command line overrides it, ``--no-config`` leaves it unread, and every answer that used it says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path

from research.errors import ConfigError, did_you_mean, reason

NO_CONFIG: ContextVar[bool] = ContextVar("no_config", default=False)

_WHOLE, _NUMBER = ((int,), "a whole number"), ((int, float), "a number")
KEYS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "data": ((list,), 'a list of folders, ["…"]'),
    "price": ((str,), 'a text, "…"'),
    "terms.delay": _WHOLE,
    **dict.fromkeys(("terms.fees", "terms.slippage", "terms.storage", "terms.borrow"), _NUMBER),
    "rules.level": _NUMBER,
    "rules.min_events": _WHOLE,
}
"""Of each key the types that it may have, and those in words."""
TABLES = ("terms", "rules")


def configured(given: Mapping[str, object]) -> dict[str, object]:
    """What was given on the line, filled up from the config file; ``config`` says what was taken from it.

    Raises
    ------
    ConfigError
        If a key is unknown or its value is of another type.
    """
    values = dict(given)
    if NO_CONFIG.get() or "packs" not in values:
        return values
    where, found = read_config(Path())
    used = {name: value for name, value in found.items() if name in values and values[name] is None}
    if used:
        told = (f"{'data' if name == 'packs' else name} {_words(value)}" for name, value in used.items())
        values |= used | {"config": f"config: {where}: {', '.join(told)}; --no-config leaves it out"}
    return values


def read_config(folder: Path) -> tuple[str, dict[str, object]]:
    """Where the config of a folder stands, and its values by the name of the option that they stand for."""
    for name, table in (("assay.toml", ()), ("pyproject.toml", ("tool", "assay"))):
        path = folder / name
        if not path.is_file():
            continue
        try:
            text: object = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{name}: cannot be read: {reason(error)}; mend it, or pass --no-config") from None
        for part in table:
            text = text.get(part) if isinstance(text, dict) else None
        if text is not None:
            where = f"[tool.assay] in {name}" if table else name
            return where, _values(text, where)
    return "", {}


def _values(text: object, where: str) -> dict[str, object]:
    if not isinstance(text, dict):
        raise ConfigError(f"{where}: {text!r} is no table; write key = value lines under it")
    entries: dict[str, object] = {}
    for key, value in text.items():
        if key in TABLES and not isinstance(value, dict):
            raise ConfigError(f"{where}: {key} = {value!r}: write [{key}] and its keys under it")
        entries |= {f"{key}.{name}": item for name, item in value.items()} if key in TABLES else {key: value}
    for key, value in entries.items():
        if key not in KEYS:
            table, _, name = key.rpartition(".")
            known = [full.rpartition(".")[2] for full in KEYS if full.rpartition(".")[0] == table]
            raise ConfigError(f"{where}: {key}: no such key{did_you_mean(name, known if table else [*known, *TABLES])}")
        texts = not isinstance(value, list) or all(isinstance(item, str) for item in value)
        types, wanted = KEYS[key]
        if not isinstance(value, types) or isinstance(value, bool) or not texts:
            raise ConfigError(f"{where}: {key} = {value!r}: write {wanted}")
    values = {"packs" if key == "data" else key.rpartition(".")[2]: value for key, value in entries.items()}
    packs = values.get("packs")
    if isinstance(packs, list):
        values["packs"] = [Path(pack).expanduser() for pack in packs]
    return values


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

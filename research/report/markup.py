"""SVG and HTML as values: every string that is put into an element is escaped, unless it is already Markup."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import markupsafe


class Markup(markupsafe.Markup):
    """Text that is already HTML, and shows itself as such in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def tag(name: str, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """Return one element; strings are escaped, ``None`` is left out, ``class_`` becomes ``class``, ``_`` a hyphen.

    >>> tag("p", "a < b", class_="note", data_kind="x")
    Markup('<p class="note" data-kind="x">a &lt; b</p>')
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{markupsafe.escape(value)}"' if value is not True else f" {key}"
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def void(name: str, **attributes: str | float | bool | None) -> Markup:
    """Return an element without content, ``<rect …/>``."""
    return Markup(str(tag(name, **attributes)).removesuffix(f"></{name}>") + "/>")


def join(*parts: str | None) -> Markup:
    """Put parts one after the other, escaping what is not Markup."""
    return Markup("").join(part for part in parts if part is not None)


@cache
def rules(*names: str) -> Markup:
    """Style files of this package, one after the other: they hold inside an element of class ``assay``."""
    return Markup("".join((files("research.report") / name).read_text(encoding="utf-8") for name in names))

"""HTML and SVG as values: every string that is put into an element is escaped, unless it is already Markup."""

from __future__ import annotations

from html import escape


class Markup(str):
    """Text that is already HTML; only this module makes it of anything but a constant."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def tag(name: str, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """Return one element; strings are escaped, ``None`` is left out, ``class_`` becomes ``class``, ``_`` a hyphen.

    >>> tag("p", "a < b", class_="note", data_kind="x")
    '<p class="note" data-kind="x">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' if value is not True else f" {key}"
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def void(name: str, **attributes: str | float | bool | None) -> Markup:
    """Return an element without content, ``<rect …/>``."""
    return Markup(tag(name, **attributes).removesuffix(f"></{name}>") + "/>")


def join(*parts: str | None) -> Markup:
    """Put parts one after the other, escaping what is not Markup."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))

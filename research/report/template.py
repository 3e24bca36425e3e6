"""Pages, pictures and notebook cells, which are Jinja templates in `templates/`: all but Markup is escaped."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from importlib.resources import files

import markupsafe
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from research.report.sentences import FILTERS, TESTS


class Markup(markupsafe.Markup):
    """Text that is already HTML, and shows itself as such in a notebook."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def page(template: str, title: str, **values: object) -> Markup:
    """A whole page: one file that needs nothing else, no network and no script.

    Parameters
    ----------
    template
        File in `templates/`.
    title
        Of the browser's tab, and mostly of the page.
    values
        By the name that the template has for each.
    """
    return Markup(render(template, title=title, contents=[], **values))


def render(template: str, **values: object) -> str:
    """The text of a template with these values."""
    return _environment().get_template(template).render(**values)


def part(macro: str, *values: object, of: str = "parts.html") -> Markup:
    """What a macro of a template makes."""
    return Markup(getattr(_environment().get_template(of).module, macro)(*values))


@cache
def rules(*names: str) -> Markup:
    """Style files of this package, one after the other: they hold inside an element of class ``assay``."""
    return Markup("".join((files("research.report") / name).read_text(encoding="utf-8") for name in names))


@cache
def _environment() -> Environment:
    from research.report import charts, columns, sentences, study_words, svg

    environment = Environment(
        loader=PackageLoader("research.report"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters |= FILTERS
    environment.tests |= TESTS | {"kind": svg.is_kind}
    for room in (sentences, columns, study_words, svg):
        environment.globals |= {name: value for name, value in vars(room).items() if not name.startswith("_")}
    environment.globals |= {"asdict": asdict, "charts": charts, "rules": rules, "zip": zip}
    return environment

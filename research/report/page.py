"""The skeleton of every page: a title, a first screen, sections that fold, and contents that stay in sight.

One file that needs nothing else, no network and no script. A section that is folded opens when a link leads into it,
and on paper everything is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from research.report.markup import Markup, join, tag
from research.report.style import rules, stylesheet

EMPTY = Markup("")


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a page.

    Attributes
    ----------
    title
        Its heading, unescaped text.
    id
        Where links lead: letters, digits and hyphens, once in a page.
    body
        What it holds; its own headings begin one level below the section's.
    short
        Its entry in the contents; by default the title.
    folded
        Whether it is shut until a reader opens it.
    summary
        What stands beside the heading: of a folded section, what one would find.
    parts
        Sections within it, one heading level down; they come after ``body``.
    """

    title: str
    id: str
    body: Markup = EMPTY
    short: str = ""
    folded: bool = False
    summary: str = ""
    parts: tuple[Section, ...] = ()


def page(title: str, top: Markup, sections: Iterable[Section]) -> Markup:
    """A whole page.

    Parameters
    ----------
    title
        Of the browser's tab.
    top
        The first screen, which begins with the page's one ``h1``.
    sections
        In their order; the contents list them, and on a wide screen their parts.
    """
    shown = tuple(sections)
    head = (
        Markup('<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'),
        Markup('<meta name="color-scheme" content="light dark"/>'),
        tag("title", title),
        tag("style", stylesheet(), rules("page.css")),
    )
    body = (
        tag("a", "Skip to the contents of the page", href="#top", class_="skip"),
        tag("nav", _entries(shown, depth=2), class_="contents", aria_label="Contents"),
        tag("main", tag("div", top, id="top"), *(_drawn(section, 2) for section in shown)),
    )
    whole = tag("html", tag("head", *head), tag("body", *body, class_="assay"), lang="en")
    return join(Markup("<!DOCTYPE html>\n"), whole, "\n")


def fold(summary: str | Markup, *body: str | None, id: str | None = None) -> Markup:
    """Something shut until a reader opens it, or a link leads to ``id`` in it."""
    return tag("details", tag("summary", summary), tag("div", *body, id=id))


def _drawn(section: Section, level: int) -> Markup:
    heading = tag(f"h{level}", section.title)
    beside = tag("span", section.summary, class_="soft") if section.summary else None
    body = (section.body, *(_drawn(part, level + 1) for part in section.parts))
    if section.folded:
        return tag("section", fold(join(heading, " ", beside), *body, id=section.id))
    return tag("section", heading, beside, *body, id=section.id)


def _entries(sections: tuple[Section, ...], depth: int) -> Markup:
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("a", section.short or section.title, href=f"#{section.id}"),
                _entries(section.parts, depth - 1) if section.parts and depth > 1 else None,
            )
            for section in sections
        ),
    )

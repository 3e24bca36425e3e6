"""The ledger of claims for the terminal and as a page of its own. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from research.report.terminal import COLOURS, plain_console

if TYPE_CHECKING:
    from research.claims import ClaimTest, Entry

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; }
.label { opacity: .65; }
table { border-collapse: collapse; margin: .4rem 0; width: 100%; }
td { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .25rem .6rem .25rem 0;
     vertical-align: top; }
td:nth-child(-n+3) { white-space: nowrap; }
"""


def print_claims(entries: Iterable[Entry], note: str) -> None:
    """Number, claim, what the sources say, how it is tested or why it cannot be, and its tests."""
    console = plain_console()
    for entry in entries:
        claim = entry.claim
        console.print(Text.assemble((f"{claim.number:4}", "bold"), (claim.claim, "bold")))
        _paragraph(console, "Sources say", claim.evidence)
        if claim.testable:
            _paragraph(console, "Tested by", claim.form)
        else:
            _paragraph(console, "Not testable", claim.why_not)
        for test in entry.tests:
            line = Text.assemble("      ", (f"{test.strategy}, {test.metal}: ", "bold"), _state(test))
            console.print(line)
        _paragraph(console, "Source", "; ".join(claim.sources))
        console.print()
    console.print(Text(note, style="dim"))


def claims_html(entries: Iterable[Entry], note: str) -> str:
    """One self-contained page: no script, no font and no picture from elsewhere."""
    body = "\n".join(_section(entry) for entry in entries)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>The claims and their evidence</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>The claims and their evidence</h1>\n<p>{escape(note)}</p>\n{body}\n</body>\n</html>\n"
    )


def _section(entry: Entry) -> str:
    claim = entry.claim
    label = "Tested by" if claim.testable else "Not testable"
    parts = [
        f'<h2 id="{escape(claim.number)}">{escape(claim.number)} · {escape(claim.claim)}</h2>',
        f'<p><span class="label">Sources say:</span> {escape(claim.evidence)}</p>',
        f'<p><span class="label">{label}:</span> {escape(claim.form or claim.why_not)}</p>',
    ]
    if claim.known:
        parts.append(f'<p><span class="label">Known:</span> {escape(claim.known)}</p>')
    if entry.tests:
        rows = "".join(
            f"<tr><td>{escape(test.strategy)}</td><td>{escape(test.metal)}</td>"
            f"<td>{escape(_word(test))}</td><td>{escape(_reason(test))}</td></tr>"
            for test in entry.tests
        )
        parts.append(f"<table>{rows}</table>")
    parts.append(f'<p><span class="label">Sources:</span> {escape("; ".join(claim.sources))}</p>')
    return "\n".join(parts)


def _state(test: ClaimTest) -> Text:
    reason = _reason(test)
    return Text.assemble((_word(test), COLOURS.get(test.verdict, "")), f": {reason}" if reason else "")


def _word(test: ClaimTest) -> str:
    if test.verdict:
        return test.verdict
    return "data missing" if test.missing else "data at hand"


def _reason(test: ClaimTest) -> str:
    return test.reason or ", ".join(test.missing)


def _paragraph(console: Console, label: str, text: str) -> None:
    console.print(Text.assemble("    ", (f"{label}: ", "dim"), text))

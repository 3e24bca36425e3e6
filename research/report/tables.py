"""The tables of pages and notebooks: real ones, with scoped headings, that scroll by themselves when they must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from research.report.columns import CLAIM_COLUMNS, ROW_COLUMNS, Column
from research.report.markup import Markup, join, tag
from research.report.study_words import ACCOUNT_HEADINGS, ACCOUNTS, account_cells
from research.report.words import DASH, number, p_value

if TYPE_CHECKING:
    from research.report.columns import Answered
    from research.study import PortfolioTrial, Study, TestedClaim, Trial


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[str | Markup]], kinds: str, *, label: str = ""
) -> Markup:
    """One table. ``kinds`` has a letter a column: ``h`` row heading, ``r`` right, ``t`` long text, ``l`` left.

    ``label`` names it for those who do not see it, where several tables have the same caption.
    """
    styles = {"r": "right", "t": "text", "l": "nowrap", "h": "head"}
    head = [tag("th", title, scope="col", class_=styles[kind]) for title, kind in zip(headings, kinds, strict=True)]
    body = [
        tag(
            "tr",
            *(
                tag("th", cell, scope="row", class_=styles[kind])
                if kind == "h"
                else tag("td", cell, class_=styles[kind])
                for cell, kind in zip(row, kinds, strict=True)
            ),
        )
        for row in rows
    ]
    whole = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body))
    return tag("div", whole, class_="scroll", role="region", tabindex="0", aria_label=label or caption)


def claim_table(claims: Iterable[TestedClaim], *, links: bool = False) -> Markup:
    """One row a claim, the word first; with ``links`` to its place in the page."""
    columns = (CLAIM_COLUMNS[-1], *CLAIM_COLUMNS[:-1])
    rows = [
        (
            join(
                tag("a", claim.id, href=f"#{claim_anchor(claim.id)}") if links else tag("strong", claim.id),
                tag("small", claim.short),
            ),
            *_cells(claim, columns),
        )
        for claim in claims
    ]
    return table("Claims", ("Claim", *(c.heading for c in columns)), rows, "h" + _kinds(columns))


def verdict_table(trials: Iterable[Trial], *, links: bool = False, label: str = "") -> Markup:
    """One row a trial; ``label`` names the table where a page has several."""
    rows = []
    for trial in trials:
        name = f"{trial.name}, {trial.metal}"
        rows.append((tag("a", name, href=f"#{anchor(trial)}") if links else name, *_cells(trial, ROW_COLUMNS)))
    headings = ("Trial", *(c.heading for c in ROW_COLUMNS))
    return table("Rows", headings, rows, "h" + _kinds(ROW_COLUMNS), label=label)


def _cells(judged: Answered, columns: Sequence[Column]) -> list[str | Markup]:
    return [word(judged) if column.heading == "Verdict" else column.cell(judged) or DASH for column in columns]


def _kinds(columns: Sequence[Column]) -> str:
    return "".join(column.align for column in columns)


def performance_table(trial: Trial | PortfolioTrial, about: str) -> Markup:
    """What the account and its benchmarks did, after costs; ``about`` whose accounts they are."""
    rows = [(ACCOUNTS[name], *account_cells(row)) for name, row in trial.performance.items()]
    caption = f"After costs, {trial.result.first_fill:%Y-%m} to {trial.result.equity.index[-1]:%Y-%m}"
    return table(caption, ("Account", *ACCOUNT_HEADINGS), rows, "hrrrrrrr", label=f"Accounts of {about}")


def findings_table(trial: Trial) -> Markup:
    """Every finding: what was asked, what came out in plain words, and the numbers behind it."""
    judged = trial.shows_p_values
    rows = [
        (
            finding.name.replace("_", " "),
            finding.sentence if judged or finding.p_value is None else DASH,
            join(tag("span", number(finding.estimate, 3)), tag("small", finding.unit)),
            p_value(finding.p_value if judged else None),
            number(finding.effective_n, 0),
        )
        for finding in {**trial.findings, **trial.appendix}.values()
    ]
    caption = "Every finding" if judged else "Every finding; events are too few to tell it from luck"
    headings = ("Finding", "In plain words", "Estimate", "p", "n")
    return table(caption, headings, rows, "htrrr", label=f"Findings on {trial.name}, {trial.metal}")


def data_table(study: Study) -> Markup:
    """The datasets with publisher, licence, the moment known, and hash."""
    rows = [
        (
            identity,
            f"{dataset.title} ({dataset.unit})",
            f"{dataset.publisher}. {dataset.attribution}".removesuffix(". "),
            dataset.licence,
            dataset.release_words,
            tag("code", dataset.sha256),
        )
        for identity, dataset in study.datasets.items()
    ]
    headings = ("Dataset", "What it is", "Publisher", "Licence", "Known", "SHA-256 of its file")
    return table("Every dataset that was used, and the file it was read from", headings, rows, "httttt")


def word(judged: Answered) -> Markup:
    """The verdict's word in its colour, with a sign that needs no colour."""
    text = str(judged.verdict.word)
    signs = {"supported": "✓", "contradicted": "✗", "ruled out": "○", "undecidable": "?"}
    return tag("span", f"{signs[text]} {text}", class_=f"word {text.replace(' ', '-')}")


def claim_anchor(identity: str) -> str:
    """Where a sentence stands in the page: ``C1+`` is ``claim-C1-for``."""
    sign = {"+": "-for", "-": "-against"}.get(identity[-1:], "")
    return f"claim-{_safe(identity.rstrip('+-'))}{sign}"


def anchor(trial: Trial) -> str:
    """Where a trial stands in the page."""
    return f"trial-{_safe(f'{trial.name}-{trial.metal}')}"


def _safe(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)

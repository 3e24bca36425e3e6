"""``assay claims``: the claims of the thesis, each with its evidence; ``assay today``: what follows from them now."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from research.cli.options import Judged, Source, Strategies, check_writable, thesis_in_force
from research.cli.output import answer, written
from research.cli.sources import to_fetch
from research.errors import ExecutionError

FILE = "claims.html"


def claims(verdicts: bool = False, html: Path | None = None, findings: Path | None = None, *, asked: Judged) -> None:
    """The claims of the thesis: what the sources say, which strategies test them, and their verdicts.

    Parameters
    ----------
    verdicts
        Run the whole family on the data at hand and give each claim its word.
    html : FILE
        Run it, and write a self-contained page.
    findings : FILE
        Run the family and its baselines; write every verdict as Markdown.
    """
    for file in (html, findings):
        check_writable(file)
    if html is not None and html == findings:
        raise ExecutionError(f"{html}: the page and the findings cannot be one file; name two")
    from research.datasets.store import write_atomically
    from research.report.claims import claims_json, print_claims
    from research.report.study_words import study_short, study_why

    thesis, data = thesis_in_force(), asked.open()
    wanted = verdicts or html is not None or findings is not None
    study = asked.study(thesis.of_kind("thesis"), data, thesis) if wanted else None
    pages: dict[Path, str] = {}
    if study is not None and html is not None:
        from research.report.claims import claims_page

        pages[html] = claims_page(thesis, data, study)
    if study is not None and findings is not None:
        from research.report.findings import findings_page
        from research.study.appendix import beta_break

        baselines = asked.study(thesis.of_kind("baseline"), data, thesis) if thesis.baselines else None
        breaks = [
            (plan, [found for metal in data.metals() if (found := beta_break(data, metal, plan.driver)) is not None])
            for plan in thesis.breaks
        ]
        pages[findings] = findings_page(study, baselines, breaks)
    for file, text in pages.items():
        written(file, partial(write_atomically, file, text.encode("utf-8")))
    testable = sum(claim.testable for claim in thesis.claims)
    short = f"{len(thesis.claims)} claims, {testable} of them testable in {len(thesis.sentences)} sentences."
    ending = [short, "no verdicts were asked for.", "claims", "--verdicts"]
    if study is not None:
        following = ("claims", "--html", FILE) if html is None else ("compare", "--verbose")
        ending = [study_short(study), study_why(study), *following]
    shown = () if pages else partial(print_claims, thesis, data, study)
    answer(asked, lambda: claims_json(thesis, data, study), shown, *ending)


def today(*, chosen: Strategies, asked: Source) -> None:
    """What each strategy wants now, on which number, known when, and when that may change."""
    from research.report.study_words import a_few
    from research.report.today import print_today
    from research.study import today as ask

    thesis = thesis_in_force()
    found = ask(chosen.of(thesis), asked.open(), metals=chosen.metals, thesis=thesis)
    known = [f"{want.strategy}, {want.metal}: {want.position:.0%}" for want in found.wants if want.position is not None]
    stale = sorted({name for want in found.wants for name in want.stale})
    short = f"{len(known)} of {len(found.wants)} positions are known" + (f": {a_few(known)}." if known else ".")
    why = f"newer data are out of {a_few(stale)}." if stale else "no newer data are out."
    answer(asked, found.to_json, partial(print_today, found), short, why, *(to_fetch(stale) or ("compare",)))

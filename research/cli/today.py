"""``assay today``: what each strategy wants now."""

from __future__ import annotations

from functools import partial

from research.cli.options import Metals, Names, Source, strategy_named, thesis_in_force
from research.cli.output import answer
from research.cli.sources import to_fetch


def today(names: Names = None, metals: Metals = None, *, asked: Source) -> None:
    """What each strategy wants now, on which number, known when, and when that may change."""
    from research.report.study_words import a_few
    from research.report.today import print_today
    from research.study import today as ask

    thesis = thesis_in_force()
    chosen = [strategy_named(name, thesis) for name in names] if names else None
    found = ask(chosen, asked.open(), metals=metals, thesis=thesis)
    known = [f"{want.strategy}, {want.metal}: {want.position:.0%}" for want in found.wants if want.position is not None]
    stale = sorted({name for want in found.wants for name in want.stale})
    short = f"{len(known)} of {len(found.wants)} positions are known" + (f": {a_few(known)}." if known else ".")
    why = f"newer data are out of {a_few(stale)}." if stale else "no newer data are out."
    answer(asked, found.to_json, partial(print_today, found), short, why, *(to_fetch(stale) or ("compare",)))

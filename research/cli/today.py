"""``assay today``: what each strategy wants now."""

from __future__ import annotations

from research.cli.options import Metals, Names, Source, strategy_named, takes_groups, thesis_in_force
from research.cli.output import conclude, print_json, print_lines
from research.cli.sources import to_fetch


@takes_groups
def today(names: Names = None, metals: Metals = None, *, asked: Source) -> None:
    """What each strategy wants now, on which number, known when, and when that may change."""
    from research.study import today as ask

    thesis = thesis_in_force()
    chosen = [strategy_named(name, thesis) for name in names] if names else None
    found = ask(chosen, asked.open(), metals=metals, thesis=thesis)
    if asked.as_json:
        print_json(found.to_json())
        return
    from research.report.study_words import a_few
    from research.report.today import print_today

    print_lines((), asked)
    print_today(found)
    known = [f"{want.strategy}, {want.metal}: {want.position:.0%}" for want in found.wants if want.position is not None]
    stale = sorted({name for want in found.wants for name in want.stale})
    short = f"{len(known)} of {len(found.wants)} positions are known" + (f": {a_few(known)}." if known else ".")
    why = f"newer data are out of {a_few(stale)}." if stale else "no newer data are out."
    conclude(short, why, *(to_fetch(stale) or ("compare",)), source=asked)

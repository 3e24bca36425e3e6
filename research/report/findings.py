"""The findings as a Markdown page: every verdict with its effect, its interval and what could have been found.

Nothing is computed here, and no sentence says more than a number beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from research.report.template import render

if TYPE_CHECKING:
    from research.claims import BreakPlan
    from research.study import Study
    from research.study.appendix import BetaBreak


def findings_page(
    thesis: Study, baselines: Study | None, breaks: Sequence[tuple[BreakPlan, Sequence[BetaBreak]]]
) -> str:
    """One Markdown document: the claims first, then rows, portfolio, what cannot be tested, limits, and terms."""
    return render("findings.md", study=thesis, baselines=baselines, breaks=breaks).rstrip() + "\n"

"""``python -m tests.tools.pictures``: the pictures of README and docs, made from the bundled data.

A chart is drawn by the code that stands above it in the gallery. ``tests/tools/test_pictures.py`` draws them again.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from research import compare, open_data
from research.claims import load_thesis
from research.report import charts, tearsheet
from research.report.columns import CLAIM_COLUMNS
from research.report.console import print_table
from research.report.html import report
from research.report.study_words import counted_words
from research.study import Study, Trial
from tests.browser.chromium import Tab, chromium
from tests.tools.standalone import standalone

GALLERY = Path(__file__).resolve().parents[2] / "docs" / "gallery"
OF_TRIAL = {
    "equity": "charts.equity(trial)",
    "signal": "charts.signal(trial)",
    "event-study": "charts.event_study(trial)",
    "circular-shifts": "charts.circular_shifts(trial)",
    "rolling": "charts.rolling(trial)",
    "grid": "charts.grid(trial)",
    "power": "charts.power(trial)",
    "months": "tearsheet.months(trial)",
    "windows": "tearsheet.rolling(trial)",
}
OF_STUDY = {"verdicts": "charts.verdicts(study)", "overlay": "charts.overlay(study)"}
BEGINNING = """# Gallery

Every chart, drawn from the bundled data by the code above it. A chart shows itself in a notebook, and a page draws it
without a script. To zoom, `trial.to_vectorbt()` has plots of plotly. `make pictures` makes this page anew.

```python
from research import backtest, compare
from research.claims import load_thesis
from research.report import charts, tearsheet

trial = backtest("lease_rate_spike", metal="silver")
study = compare(load_thesis().of_kind("thesis"))
```
"""


def of_trial(trial: Trial) -> dict[str, str]:
    """The files that one trial is enough for: its charts, and the gallery's page."""
    drawn = {name: _drawn(code, trial=trial) for name, code in OF_TRIAL.items()}
    titles = {name: f"`{code}`" for name, code in (OF_TRIAL | OF_STUDY).items()}
    page = [BEGINNING, *(f"## {title}\n\n![{title.strip('`')}]({name}.svg)\n" for name, title in titles.items())]
    return {f"{name}.svg": text for name, text in drawn.items()} | {"index.md": "\n".join(page)}


def of_study(study: Study) -> dict[str, str]:
    """The files that the whole thesis is needed for."""
    drawn = {f"{name}.svg": _drawn(code, study=study) for name, code in OF_STUDY.items()}
    return drawn | {"terminal.svg": terminal(study)}


def terminal(study: Study) -> str:
    """The first table of ``assay compare`` as a terminal shows it."""
    console = Console(
        record=True, width=120, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print("$ assay compare")
    rows = [(f"{c.id:<4} {c.short}", [column.cell(c) for column in CLAIM_COLUMNS]) for c in study.claims.values()]
    headings, aligns = [c.heading for c in CLAIM_COLUMNS], "".join(c.align for c in CLAIM_COLUMNS)
    print_table(console, "Claim", headings, aligns, rows)
    console.print(f"{counted_words(study)}.")
    text = console.export_svg(title="assay", unique_id="assay")
    return re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL)  # fonts from elsewhere are not asked for


def screen(study: Study, file: Path) -> str:
    """PNG of the first screen of the report; what was done, or why not."""
    binary = chromium()
    if binary is None:
        return f"not made: {file.name}: there is no chromium on the path"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(report(study), encoding="utf-8")
        with Tab(binary, Path(folder) / "profile") as tab:
            tab.open(page)
            tab.show(1280, height=1000)
            file.write_bytes(tab.picture())
    return f"wrote {file}"


def main() -> int:
    """Write every file of the gallery."""
    data = open_data(user=False)
    study = compare(load_thesis().of_kind("thesis"), data, ledger=None)
    for name, text in (of_trial(study["lease_rate_spike", "silver"]) | of_study(study)).items():
        (GALLERY / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(OF_TRIAL | OF_STUDY)} charts, the terminal and the page of the gallery into {GALLERY}")
    print(screen(study, GALLERY / "report.png"))
    return 0


def _drawn(code: str, **names: object) -> str:
    """What the gallery's code draws: the code that is shown is the code that is run."""
    return standalone(eval(code, {"charts": charts, "tearsheet": tearsheet, **names}))


if __name__ == "__main__":
    sys.exit(main())

"""Look through a declared grid with sliders: the answer moves with them, and every point is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from research.datasets.data import Data, open_data
from research.discovery import find_strategy
from research.errors import need
from research.execution import Execution
from research.ledger import LEDGER, Ledger
from research.report.notebook import in_notebook
from research.study import Study, Trial, compare

if TYPE_CHECKING:
    from research.thesis import Strategy


@dataclass(frozen=True, eq=False, repr=False)
class Explorer:
    """Sliders over a grid and, under them, the trial that they point to.

    Attributes
    ----------
    strategy
        What is looked at.
    controls
        One control a parameter, by name, and one for ``metal``; set their ``value`` to move them from code.
    box
        The widget that a cell shows.
    studies
        Every point that was looked at, by metal and values: looking again costs nothing.
    """

    strategy: Strategy
    controls: Mapping[str, Any]
    box: Any
    studies: dict[tuple[object, ...], Study] = field(default_factory=dict)

    def _repr_mimebundle_(self, **options: object) -> object:
        return self.box._repr_mimebundle_(**options)

    @property
    def point(self) -> tuple[object, ...]:
        """Values of the controls, in order."""
        return tuple(control.value for control in self.controls.values())

    @property
    def trial(self) -> Trial:
        """The trial that the controls point to."""
        return self.studies[self.point].trials[0]


def explore(
    strategy: Strategy | str,
    data: Data | None = None,
    *,
    execution: Execution | None = None,
    ledger: Ledger | None = LEDGER,
) -> Explorer:
    """Show sliders over the declared grid of a strategy; the chart and the timing return follow them.

    Each point is run as ``backtest`` runs it. The whole declared grid is counted, whichever point is
    looked at, and the line under the chart says how many trials that makes: moving a slider does not change what the
    verdict must beat, because that was counted before the first look.

    Parameters
    ----------
    strategy
        A strategy, or the name or file of one.
    data
        What it is run on; by default ``open_data()``.
    execution
        Terms of trade; by default ``Execution()``.
    ledger
        Where what was looked at is written down: by default the user's own; ``None`` writes nothing, and says so.

    Returns
    -------
    Explorer
        Shows itself in a notebook; ``.trial`` is the trial in view.

    Raises
    ------
    DataError
        If ``ipywidgets`` is not installed (``pip install 'assay[lab]'``).
    AssayError
        As ``compare``.
    """
    widgets = need("ipywidgets")
    chosen = find_strategy(strategy)
    data = data or open_data()
    options = {"metal": chosen.metals, **chosen.grid}
    start = {"metal": chosen.metals[0], **chosen.defaults}
    controls = {
        name: (widgets.Dropdown if name == "metal" else widgets.SelectionSlider)(
            options=[(str(value), value) for value in values], value=start[name], description=name
        )
        for name, values in options.items()
    }
    page = widgets.HTML()
    view = Explorer(chosen, controls, widgets.VBox([*controls.values(), page]))

    def show(_: object = None) -> None:
        if view.point not in view.studies:
            metal, *values = view.point
            given = {chosen.name: dict(zip(chosen.grid, values, strict=True))}
            view.studies[view.point] = compare(
                [chosen], data, metals=[str(metal)], parameters=given, execution=execution, ledger=ledger
            )
        page.value = in_notebook("explorer", view)

    for control in controls.values():
        control.observe(show, names="value")
    show()
    return view

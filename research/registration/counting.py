"""What has come since a registration: its positions, decided after it, and two running e-values.

A return counts when the decision behind it was taken after the registration; what lies before is read only for what a
signal needs to know. The code that runs is the registered one, from the registration itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pandas as pd

from research.claims import Thesis, load_thesis
from research.datasets.data import Data, open_data
from research.diagnostics import anytime
from research.errors import DataError, RegistrationError, StrategyError
from research.execution import Execution
from research.kept import kept_list
from research.provenance import hash_code, one_thread
from research.registration.freezing import HOUSE, SUFFIX, Registration, Row, data_rule, read, rows_of, strategies_of
from research.values import Displayed, plain

FOLDER = "registrations"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True)
class Followed:
    """One registration and what came after it.

    Attributes
    ----------
    registration
        What was frozen.
    evidence
        ``supporting`` and ``opposing`` e-values by the last bar of each month.
    threshold
        What an e-value must reach: the number of claims over the level.
    notes
        What differs from the day of the registration, and why nothing can be counted.
    """

    registration: Registration
    evidence: pd.DataFrame
    threshold: float
    notes: tuple[str, ...]

    @property
    def since(self) -> dict[str, pd.Timestamp]:
        """``supported`` and ``ruled out``, as far as they have been reached, with the first look that did."""
        sides = {"supported": self.evidence["supporting"], "ruled out": self.evidence["opposing"]}
        found = {word: anytime.crossed(looks, self.threshold) for word, looks in sides.items()}
        return {word: when for word, when in found.items() if when is not None}

    @property
    def word(self) -> str:
        """``supported since 2031-05-31``, ``ruled out since …``, both, or ``open``."""
        return "; ".join(f"{word} since {when:%Y-%m-%d}" for word, when in self.since.items()) or "open"

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        found = {name: getattr(self.registration, name) for name in ("name", "claim", "registered")}
        looks = self.evidence.reset_index().to_dict("records")
        found |= {"digest": self.registration.hashes["digest"], "word": self.word, "threshold": self.threshold}
        return found | {"evidence": plain(looks), "notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True, repr=False)
class Following(Displayed):
    """Registrations that are followed at once, its ``claims``."""

    claims: tuple[Followed, ...]

    def __repr__(self) -> str:
        return f"<Following of {len(self.claims)} claims>"

    @property
    def line(self) -> str:
        """All of it in one line."""
        looks = max(len(claim.evidence) for claim in self.claims)
        counts = Counter(word for claim in self.claims for word in claim.since or ["open"])
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        since = f"{looks} month{'s' * (looks > 1)} since: {told}" if looks else "no month has come since"
        first, n = min(claim.registration.registered for claim in self.claims), len(self.claims)
        return f"on record since {first[:10]}: {n} claim{'s' * (n > 1)}, {since}"

    def to_json(self) -> dict[str, object]:
        """Plain values only."""
        return {"correction": "Bonferroni", "claims": [claim.to_json() for claim in self.claims]}


@one_thread()
def follow(
    files: Iterable[str | Path] | None = None,
    data: Data | None = None,
    *,
    thesis: Thesis | None = None,
    progress: Progress | None = None,
) -> Following:
    """Count what has come since registrations.

    Parameters
    ----------
    files
        Registrations; by default those in the working folder, or, where there are none, the thesis' own.
    data
        What has come; by default all that the command line sees.
    thesis
        Whose registrations are followed where no other are; by default the bundled one.
    progress
        Called with ``(done, total, what)``.

    Raises
    ------
    RegistrationError
        If there is none, or one was changed, with the name of the changed part.
    """
    data = data or open_data()
    here = sorted(Path().glob(f"*{SUFFIX}"))
    paths = [Path(file) for file in files] if files is not None else here or registered(thesis or load_thesis())
    if not paths:
        raise RegistrationError("nothing is on record here; assay register NAME makes a registration")
    found, claims = [read(path) for path in paths], []
    for done, item in enumerate(found):
        if progress is not None:
            progress(done, len(found), f"since {item.registered[:10]}: {item.name}")
        claims.append(_followed(item, data, max(len(found), item.registered_with) / item.level))
    return Following(claims=tuple(claims))


def registered(thesis: Thesis) -> list[Path]:
    """The registrations that a thesis carries, in the order of its sentences."""
    files = (thesis.folder / FOLDER / f"{name}{SUFFIX}" for name in thesis.sentences)
    return [file for file in files if file.is_file()]


def line_since(data: Data, thesis: Thesis) -> str:
    """One line of what came since the thesis was registered, kept by data and code; empty where it never was."""
    paths = registered(thesis)
    if not paths:
        return ""
    folders = [*(pack.folder or pack.root for pack in data.packs), thesis.folder, thesis.folder / FOLDER]
    return kept_list("following", folders, lambda: follow(paths, data).line)


def _followed(registration: Registration, data: Data, threshold: float) -> Followed:
    rows: list[anytime.Account] = []
    notes = []
    try:
        data = data.priced(registration.price)
        rows = _rows(registration, data)
    except (DataError, StrategyError) as error:
        notes.append(f"cannot be counted: {error}")
    if hash_code(*HOUSE) != registration.house:
        notes.append(f"the functions that signals call have changed since assay {registration.assay}")
    changed = [name for name, rule in registration.data.items() if data_rule(data, name) != rule]
    if changed:
        notes.append(f"known by another rule than on that day: {', '.join(changed)}")
    evidence = anytime.running(rows, registration.sign)
    return Followed(registration=registration, evidence=evidence, threshold=threshold, notes=tuple(notes))


def _rows(registration: Registration, data: Data) -> list[anytime.Account]:
    """The declared rows from the first decision after the registration on, those of them that have come to earn."""
    last = max(data.coverage(data.price.dataset(metal))[1] for metal in data.metals())
    if last < registration.moment.tz_localize(None).normalize():
        return []  # no bar has come since: nothing need be computed
    terms = Execution(**registration.terms)  # type: ignore[arg-type]
    found = strategies_of(registration.sources, registration.code, registration.name)
    legs = {leg: found[name] for leg, name in registration.legs.items()}
    every = rows_of([found[name] for name in registration.strategies], legs, data, terms)
    rows = [_since(row, registration, terms.delay) for row in every if row[0] in registration.scales]
    return [row for row in rows if len(row.dates)]


def _since(row: Row, registration: Registration, delay: int) -> anytime.Account:
    """The periods whose decision was taken after the registration."""
    name, timing, decided = row
    taken = decided.iloc[pd.DatetimeIndex(decided.index).searchsorted(timing.dates) - 1 - delay]
    first = int((taken <= registration.moment).sum())
    active, held, cost = timing.exposure.walked()
    return anytime.Account(
        active=active[first:],
        held=held[first:],
        excess=timing.exposure.excess[first:],
        cost=cost[first:],
        dates=timing.dates[first:],
        scale=registration.scales[name],
        worthwhile_return=registration.effect.get("worthwhile_return", inf),
        periods_per_year=timing.year,
    )

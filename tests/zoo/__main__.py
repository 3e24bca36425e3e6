"""``python -m tests.zoo``: every animal is checked; who was caught, who was accused, and what the leaks were called."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from statsmodels.stats.proportion import proportion_confint

from research import open_data
from research.lookahead import check
from tests.zoo import ANIMALS, enclosure, load_all


def named(report):
    """Every kind of fault in a report, the first of them first."""
    return [*(leak.kind for leak in report.leaks), *(breach.kind for breach in report.violations)]


def look_at_all(animals, packs, say=lambda text: None, **options):
    """Name -> report."""
    reports = {}
    for number, (name, animal) in enumerate(animals.items(), 1):
        reports[name] = check(animal.strategy, packs[animal.pack], **options)
        say(f"{number} of {len(animals)}: {name}: {reports[name].outcome} {named(reports[name])[:2]}")
    return reports


def two_way(animals, reports):
    """Rows of (truth, rejected, accepted, share right, Wilson interval)."""
    rows = []
    for truth, right in (("leaky", "failed"), ("clean", "passed")):
        words = [reports[name].outcome for name, animal in animals.items() if bool(animal.kind) == (truth == "leaky")]
        n_right = sum(word == right for word in words)
        low, high = proportion_confint(n_right, len(words), method="wilson")
        rejected = sum(word == "failed" for word in words)
        rows.append((truth, rejected, len(words) - rejected, n_right / len(words), low, high))
    return rows


def confusion(animals, reports):
    """(true kind, named kind) -> how many; right if it is among what the report names, else the first that it names."""
    counts = Counter()
    for name, animal in animals.items():
        if animal.kind:
            found = named(reports[name])
            counts[animal.kind, animal.kind if animal.kind in found else (found or ["nothing"])[0]] += 1
    return counts


def tables(animals, reports):
    """Both tables as Markdown."""
    lines = ["| truth | rejected | accepted | right | 95 % interval (Wilson) |", "|---|---:|---:|---:|---|"]
    for truth, rejected, accepted, share, low, high in two_way(animals, reports):
        lines.append(f"| {truth} | {rejected} | {accepted} | {share:.1%} | {low:.1%} to {high:.1%} |")
    counts = confusion(animals, reports)
    right = sum(n for (true, name), n in counts.items() if true == name)
    low, high = proportion_confint(right, counts.total(), method="wilson")
    lines += ["", f"Named right: {right} of {counts.total()} ({low:.1%} to {high:.1%}).", ""]
    lines += ["| true kind | named right | named otherwise |", "|---|---:|---|"]
    for kind in sorted({true for true, _ in counts}):
        others = ", ".join(f"{name} ({n})" for (true, name), n in sorted(counts.items()) if true == kind != name)
        lines.append(f"| {kind} | {counts[kind, kind]} | {others} |")
    return "\n".join(lines)


def packs_in(folder):
    """The two enclosures as data."""
    return {
        "monthly": open_data(enclosure.monthly_pack(Path(folder) / "monthly"), bundled=False),
        "daily": open_data(enclosure.daily_pack(Path(folder) / "daily"), bundled=False),
    }


if __name__ == "__main__":
    load_all()
    with tempfile.TemporaryDirectory() as folder:
        asked = {name: ANIMALS[name] for name in sys.argv[1:] or ANIMALS}
        found = look_at_all(asked, packs_in(folder), lambda text: print(text, file=sys.stderr, flush=True))
        if sys.argv[1:]:
            print(*found.values(), sep="\n")
        print(tables(asked, found) if len(asked) == len(ANIMALS) else "")

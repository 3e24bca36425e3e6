"""What is on record: the ledger, recorded runs again and side by side, sealed verdicts, and claims registered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from research.cli.options import THESIS, Packs, Plain, Trade, check_writable, thesis_in_force
from research.cli.output import answer, written
from research.errors import ParameterError, RegistrationError, RunError, UnknownStrategy, did_you_mean

if TYPE_CHECKING:
    from research.differences import Difference


def replay(run: Annotated[Path, click.Argument], *, asked: Packs) -> None:
    """Run a recorded run again and prove it identical; exit 1 with what changed.

    Parameters
    ----------
    run : RUN
        A folder written with --run.
    """
    from research.runs import read_run
    from research.runs import replay as again

    data = asked.open() if asked.packs else None
    if read_run(run)["manifest.json"].get("kind") == "sweep":
        from research.sweep.sweep import replay_sweep

        found = replay_sweep(run, data)
    else:
        found = again(run, data, thesis=None if THESIS.get() is None else thesis_in_force())
    document = {"run": str(run), "identical": not found, "differences": found}
    short = f"{run}: {'not ' if found else ''}identical."
    _tell_apart(asked, document, found, short, "trials", same_data=False)


def diff(left: Annotated[Path, click.Argument], right: Annotated[Path, click.Argument], *, asked: Plain) -> None:
    """In what two recorded runs differ; exit 1 if they do.

    Parameters
    ----------
    left : RUN
        A folder written with --run.
    right : RUN
        Another.
    """
    from research.runs import diff as compare_runs

    found = compare_runs(left, right)
    document = {"left": str(left), "right": str(right), "differences": found}
    short = f"{left} and {right} {'differ' if found else 'are the same'}."
    _tell_apart(asked, document, found, short, "replay", str(right))


def _tell_apart(
    asked: Plain, document: object, found: Sequence[Difference], short: str, *command: str, same_data: bool = True
) -> None:
    why, status = f"{found[0]}." if found else "every byte is the same.", 1 if found else 0
    answer(asked, lambda: document, map(str, found), short, why, *command, same_data=same_data, status=status)


def seal(run: Annotated[Path, click.Argument], file: Annotated[Path, "--output", "-o"], *, asked: Plain) -> None:
    """Seal a recorded run: its words and figures, with hashes of all that they were made from.

    Parameters
    ----------
    run : RUN
        A folder written with --run.
    file : FILE
        Where.
    """
    check_writable(file)
    from research.sealing import seal as write

    digest = write(run, file)
    why = f"publish its digest with the verdict: {digest}"
    answer(asked, lambda: {"file": str(file), "digest": digest}, (), f"{file} seals {run}.", why, "verify", str(file))


def verify(
    file: Annotated[Path, click.Argument],
    strategies: Annotated[list[str] | None, "--strategy"] = None,
    *,
    asked: Packs,
) -> None:
    """Compute a sealed verdict again, from the bundled data and --data; exit 1 with the part that differs.

    Parameters
    ----------
    file : SEAL
        A file written by assay seal.
    strategies : NAME=FILE
        One that is not in the package; repeatable.
    """
    from research.datasets.data import open_data
    from research.sealing import verify as compute

    files = [word.partition("=") for word in strategies or ()]
    if not all(path for _, _, path in files):
        raise ParameterError(f"--strategy {strategies}: write NAME=FILE, e.g. --strategy my_idea=my_idea.py")
    data, named = open_data(*(asked.packs or ()), user=False), {name: path for name, _, path in files}
    found = compute(file, data, strategies=named, thesis=thesis_in_force())
    lines = [*(f"{who}: {word}" for who, word in found.words.items()), *map(str, found.differences)]
    short = f"{file} {'holds' if found.holds else 'does NOT hold'}; its digest is {found.digest}."
    why = "words and figures are computed again as sealed." if found.holds else f"{found.differences[0]}."
    answer(asked, found.to_json, lines, short, why, "strategies", same_data=False, status=0 if found.holds else 1)


def trials(
    strategy: Annotated[str | None, click.Argument] = None,
    last: Annotated[int, click.IntRange(min=0)] = 20,
    *,
    asked: Plain,
) -> None:
    """The ledger: every trial on this machine, which the statistics count.

    Parameters
    ----------
    strategy : [NAME]
        Of one strategy only.
    last : N
        Only the newest; 0 for all.
    """
    import sqlite3

    from research.ledger import Ledger
    from research.report.terminal import print_trials

    ledger = Ledger()
    try:
        entries = ledger.entries(strategy=strategy, last=last)
        if strategy is not None and not entries:
            names = {*thesis_in_force().strategies, *(entry.strategy for entry in ledger.entries())}
            if strategy not in names:
                raise UnknownStrategy(f"strategy {strategy!r}: neither tried nor known{did_you_mean(strategy, names)}")
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"{ledger.file}: cannot be read as a ledger: {error}; move it away to begin anew") from None
    ending = ["no trials.", f"{ledger.file} holds none.", "compare"]
    if entries:
        tried = len({entry.strategy for entry in entries})
        short = f"{len(entries)} trials of {tried} strategies, the newest of {entries[-1].at[:10]}."
        ending = [short, f"every one counts: {ledger.file}.", "trials", "--last", "0"]
    document = {"file": str(ledger.file), "trials": entries}
    answer(asked, lambda: document, partial(print_trials, entries) if entries else (), *ending)


def register(
    names: Annotated[list[str] | None, click.Argument] = None,
    everything: Annotated[bool, "--all"] = False,
    out: Path = Path(),
    commit: Annotated[str | None, "--anchor"] = None,
    level: float = 0.05,
    *,
    asked: Trade,
) -> None:
    """Freeze a claim with its code, grid, data rules and terms, dated now; assay follow counts what comes after.

    Parameters
    ----------
    names : [NAME|FILE]...
        A claim of the thesis (C1+), a strategy, or its file.
    everything
        Every testable claim of the thesis.
    out : DIR
        Folder of the registrations.
    commit : COMMIT
        Register nothing: say which commit holds the registration.
    level : P
        Error over all looks together; at most 0.05.
    """
    thesis = thesis_in_force()
    chosen = list(thesis.sentences) if everything else names or []
    if not chosen:
        raise RegistrationError("nothing to register; name a claim (C1+), a strategy or its file, or give --all")
    from research.registration import anchor
    from research.registration import register as run
    from research.registration.freezing import SUFFIX
    from research.verdict import Rules

    if commit is not None:
        sidecars = [str(anchor(name if name.endswith(SUFFIX) else out / f"{name}{SUFFIX}", commit)) for name in chosen]
        short, why = f"the commit is named in {', '.join(sidecars)}.", "it holds the very bytes of the registration."
        answer(asked, lambda: sidecars, (), short, why, "follow", same_data=False)
        return
    data, level = asked.open(), Rules(level=level).level
    found = [
        run(name, data, execution=asked.execution, level=level, registered_with=len(chosen), thesis=thesis)
        for name in chosen
    ]
    files = [item.write(out) for item in found]
    document = [{"name": item.name, "file": f, "line": item.line} for item, f in zip(found, files, strict=True)]
    short = f"{files[0]} is on record." if len(found) == 1 else f"{len(found)} claims are on record in {out}."
    typed = f"assay register {files[0]} --anchor COMMIT"
    why = f"who saw its line proves its date: publish it, or commit the file and then type {typed}."
    answer(asked, lambda: document, [item.line for item in found], short, why, "follow", *map(str, files))


def follow(
    files: Annotated[list[Path] | None, click.Argument] = None, html: Path | None = None, *, asked: Packs
) -> None:
    """What has come since a registration: two running e-values a claim, that may be looked at every month.

    Parameters
    ----------
    files : [FILE]...
        Registrations; default: those here, or the thesis' own where none are.
    html : FILE
        Write a self-contained page.
    """
    check_writable(html)
    from research.datasets.store import write_atomically
    from research.registration import follow as run
    from research.report.progress import Progress
    from research.report.template import page
    from research.report.terminal import print_following

    with Progress(quiet=asked.as_json) as tell:
        found = run(files or None, asked.open(), thesis=thesis_in_force(), progress=tell)
    if html is not None:
        text = page("follow.html", "what has come since", found=found)
        written(html, partial(write_atomically, html, text.encode("utf-8")))
    why = f"{found.claims[0].threshold:g} is needed for a word, and each false one has its chance once, over all looks."
    answer(asked, found.to_json, partial(print_following, found), f"{found.line}.", why, "data", "fetch")

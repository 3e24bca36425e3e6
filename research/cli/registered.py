"""``assay register`` and ``assay follow``: a claim put on record today, and what has come since."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import click

from research.cli.options import Packs, Trade, check_writable, thesis_in_force
from research.cli.output import answer, conclude, written
from research.errors import RegistrationError


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
        for name in chosen:
            sidecar = anchor(name if name.endswith(SUFFIX) else out / f"{name}{SUFFIX}", commit)
            conclude(f"{sidecar} names the commit.", "it holds the very bytes of the registration.", "follow")
        return
    data, level = asked.open(), Rules(level=level).level
    found = [
        run(name, data, execution=asked.execution, level=level, registered_with=len(chosen), thesis=thesis)
        for name in chosen
    ]
    written = [item.write(out) for item in found]
    document = [{"name": item.name, "file": f, "line": item.line} for item, f in zip(found, written, strict=True)]
    short = f"{written[0]} is on record." if len(found) == 1 else f"{len(found)} claims are on record in {out}."
    typed = f"assay register {written[0]} --anchor COMMIT"
    why = f"who saw its line proves its date: publish it, or commit the file and then type {typed}."
    answer(asked, lambda: document, [item.line for item in found], short, why, "follow", *map(str, written))


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
    from research.report.follow import following_page, print_following
    from research.report.progress import Progress

    with Progress(quiet=asked.as_json) as tell:
        found = run(files or None, asked.open(), thesis=thesis_in_force(), progress=tell)
    if html is not None:
        written(html, partial(write_atomically, html, following_page(found).encode("utf-8")))
    why = f"{found.claims[0].threshold:g} is needed for a word, and each false one has its chance once, over all looks."
    answer(asked, found.to_json, partial(print_following, found), f"{found.line}.", why, "data", "fetch")

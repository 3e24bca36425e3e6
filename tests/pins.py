"""The pins of a pack that a test has written or changed."""

from __future__ import annotations

import re
from pathlib import Path

from research.datasets.registry import read_registry
from research.provenance import hash_bytes


def pin(folder: Path) -> int:
    """Write the SHA-256 of every file named in ``folder/registry.toml`` into its ``[files]``.

    Returns the number of pins that changed.
    """
    path = folder / "registry.toml"
    text = path.read_text(encoding="utf-8")
    pack = read_registry(folder)
    changed = 0
    for file, digest in pack.files.items():
        now = hash_bytes((pack.root / file).read_bytes())
        if now != digest:
            text, found = re.subn(
                rf'^("?{re.escape(file)}"?\s*=\s*)"[^"]*"', rf'\g<1>"{now}"', text, flags=re.MULTILINE
            )
            changed += found
    path.write_text(text, encoding="utf-8")
    return changed

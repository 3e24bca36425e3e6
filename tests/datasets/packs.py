"""Small packs for tests."""

import hashlib

HEAD = '[pack]\nname = "test"\nformat = 1\n'

ENTRY = """
[datasets.{id}]
title = "A title"
publisher = "A publisher"
source = "typed for a test"
licence = "none needed"
unit = "{unit}"
frequency = "{frequency}"
file = "{id}.csv"
read = {{ observed_for = "date", value = "value" }}
release = {release}
longest_useful_age_days = {age}
{more}
"""

SAME_DAY = '{ rule = "lag", days = 0, time = "12:00", timezone = "UTC" }'
PRICE = 'price = "close"\ndecision = { time = "20:00", timezone = "UTC" }'


def entry(identity, *, unit="tonnes", frequency="month", release=SAME_DAY, age=100, more=""):
    return ENTRY.format(id=identity, unit=unit, frequency=frequency, release=release, age=age, more=more)


def write_pack(folder, datasets, files):
    """``datasets``: registry entries as text; ``files``: name -> CSV text."""
    folder.mkdir(parents=True, exist_ok=True)
    pins = []
    for name, text in files.items():
        (folder / name).write_text(text)
        pins.append(f'"{name}" = "{hashlib.sha256(text.encode()).hexdigest()}"')
    (folder / "registry.toml").write_text(HEAD + "[files]\n" + "\n".join(pins) + "\n" + "\n".join(datasets))
    return folder


def csv(rows, header="date,value"):
    return header + "\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n"

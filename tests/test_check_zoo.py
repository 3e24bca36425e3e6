"""All leaks are caught and named, and nobody honest is accused."""

import pytest

from tests.zoo import ANIMALS, load_all
from tests.zoo.__main__ import confusion, look_at_all, named, packs_in, tables, two_way

load_all()
N_CUTS = 8  # of true histories; enough to name most causes
LEAKY = [name for name, animal in ANIMALS.items() if animal.kind]
HONEST = [name for name, animal in ANIMALS.items() if not animal.kind]
KINDS = dict.fromkeys(ANIMALS[name].kind for name in LEAKY)
SOME = [name for kind in KINDS for name in [name for name in LEAKY if ANIMALS[name].kind == kind][::4]]


@pytest.fixture(scope="session")
def packs(tmp_path_factory):
    return packs_in(tmp_path_factory.mktemp("enclosure"))


def look_at(name, packs, n_cuts=N_CUTS):
    return look_at_all({name: ANIMALS[name]}, packs, n_cuts=n_cuts)[name]


def test_the_zoo_is_large_enough():
    assert len(LEAKY) + len(HONEST) >= 150
    assert len(HONEST) >= 60


@pytest.mark.parametrize("name", SOME)  # of every kind; the slow table has them all
def test_a_fault_is_caught_and_named(name, packs):
    report = look_at(name, packs)
    assert report.outcome == "failed", report
    assert named(report)
    inputs = set(ANIMALS[name].strategy.inputs.values()) | {"gold_price", "silver_price", "the calendar"}
    for leak in report.leaks:
        assert leak.moved <= leak.cut
        assert leak.cause
        assert leak.remedy
        assert set(leak.input.split(", ")) <= inputs
        assert "is nan" not in str(leak)
        words = str(leak).partition("the weight of ")[2].split()
        assert words[2] != words[words.index("been") + 1], "equal figures tell nothing"
        if leak.learned_from is not None and leak.kind != "newest vintage":
            assert leak.learned_from > leak.cut.tz_localize("UTC")


@pytest.mark.parametrize("name", HONEST[::3])
def test_nobody_honest_is_accused(name, packs):
    report = look_at(name, packs, n_cuts=4)
    assert report.passed, report


@pytest.mark.slow
def test_the_table_of_truth_and_answer(packs, capsys):
    """As ``python -m tests.zoo`` prints it: every animal at the default number of cuts."""
    reports = look_at_all(ANIMALS, packs)
    with capsys.disabled():
        print("\n" + tables(ANIMALS, reports))
    leaky, honest = two_way(ANIMALS, reports)
    assert leaky[3] == 1.0
    assert honest[3] == 1.0
    counts = confusion(ANIMALS, reports)
    assert sum(n for (true, name), n in counts.items() if true == name) >= 0.9 * counts.total()

"""A seal is recomputed by a stranger, and what was altered, in it or around it, is named."""

import json
import re

import pytest

from research import compare, open_data, seal, verify
from research.cli import main
from research.discovery import find_strategy
from research.errors import RunError
from research.runs import save
from research.sealing import PARTS, _sealed, _text
from tests.zoo import enclosure

STRATEGY = """
from research import strategy


@strategy(claim="It rises on.", metal="gold", inputs={"price": "{metal}_price"}, expected_sign=+1,
          grid={"months": [6, 12]})
def rising(panel, months=12):
    price = panel["price"]
    return (price > price.shift(months)).astype(float).where(price.shift(months).notna())
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A pack, a strategy, a run of it and its seal; to be read, not changed."""
    folder = tmp_path_factory.mktemp("sealed")
    enclosure.monthly_pack(folder / "pack")
    (folder / "rising.py").write_text(STRATEGY)
    data = open_data(folder / "pack", user=False)
    save(compare([find_strategy(str(folder / "rising.py"))], data), folder / "run", data)
    seal(folder / "run", folder / "seal.json")
    return folder


@pytest.fixture
def again(place):
    """Verify a seal with the strategy and the data of its run."""

    def run(file=place / "seal.json", pack=(place / "pack",), strategy=place / "rising.py"):
        return verify(file, open_data(*pack, user=False), strategies={"rising": str(strategy)})

    return run


def altered(place, tmp_path, change):
    """A seal that was changed and hashed anew by somebody who knows how."""
    document = json.loads((place / "seal.json").read_text())
    change(document)
    file = tmp_path / "forged.json"
    file.write_text(_text(_sealed(document)))
    return file


def test_a_seal_holds(place, again):
    found = again()
    assert found.holds
    assert found.differences == ()
    assert found.digest == json.loads((place / "seal.json").read_text())["digest"]
    assert found.words.keys() == {"claim rising", "rising on gold"}
    study = json.loads((place / "run" / "study.json").read_text())
    assert found.words["claim rising"] == study["claims"]["rising"]["verdict"]["word"]


def test_it_holds_what_a_reader_quotes_and_nothing_of_the_machine(place):
    document = json.loads((place / "seal.json").read_text())
    assert list(document) == ["format", "digest", "hashes", *PARTS]
    claim = document["figures"]["claim rising"]["evidence"]
    assert claim["timing_return"]["value"] is not None
    assert document["words"]["claim rising"]["sentence"] == "It rises on."
    assert document["code"]["sources"] == {"rising": STRATEGY}
    assert len(document["data"]["data"]["gold_price"]) == 64
    assert document["terms"]["execution"]["delay"] == 1
    assert str(place) not in (place / "seal.json").read_text(), "no path of this machine"


def flipped(whole, positions, file):
    """What is said of each byte in which one bit was turned, or of white space another, and where it was."""
    starts = {part: whole.index(f'\n "{part}": '.encode()) for part in PARTS}
    for at in positions:
        for byte in {whole[at] ^ (1 << at % 8), 0x09 if whole[at] in b" \n" else whole[at]} - {whole[at]}:
            file.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
            with pytest.raises(RunError) as refused:
                verify(file)
            yield str(refused.value), next((part for part in reversed(PARTS) if starts[part] + 1 < at), None)


def test_every_byte_changed_is_noticed(tmp_path):
    small = {part: {"a": [1.5, None, "é"], "b": {"word": part, "n": 10 + n}} for n, part in enumerate(PARTS)}
    whole = _text(_sealed(small)).encode()
    told = list(flipped(whole, range(len(whole)), tmp_path / "flipped.json"))
    assert len(told) > len(whole)
    named = set()
    for message, inside in told:
        assert "\n" not in message
        if "was altered after it was sealed: " in message:
            what = message.split("sealed: ")[1].split(";")[0]
            named.add(what)
            assert what in (inside, "its own hashes or layout") or inside is None, message
    assert named >= {*PARTS, "its own hashes or layout"}, "each part is named by a change in it"


def test_bytes_changed_in_a_true_seal_are_noticed(place, tmp_path):
    whole = (place / "seal.json").read_bytes()
    assert len(list(flipped(whole, range(0, len(whole), 61), tmp_path / "flipped.json"))) > 100


def test_a_byte_more_or_less_is_noticed(place, tmp_path):
    whole = (place / "seal.json").read_bytes()
    for text in (
        whole + b"\n",
        whole[:-1],
        b"\xef\xbb\xbf" + whole,
        whole.replace(b"\n", b"\r\n"),
        b"",
        b"[]",
        b"{}",
        b"\xff",
    ):
        (tmp_path / "other.json").write_bytes(text)
        with pytest.raises(RunError):
            verify(tmp_path / "other.json")
    with pytest.raises(RunError, match=re.escape("is no seal")):
        verify(tmp_path / "none.json")


FORGERIES = {
    "figures": (
        lambda seal: seal["figures"]["claim rising"]["evidence"]["timing_return"].update(value=0.09),
        "claim rising: evidence: timing_return: value: 0.09 -> ",
    ),
    "words": (
        lambda seal: seal["words"]["claim rising"]["verdict"].update(word="supported"),
        "verdict: word: supported -> ",
    ),
    "terms": (lambda seal: seal["terms"]["trials"].update(counted=1), "trials: counted: 1 -> 2"),
    "data": (lambda seal: seal["data"]["data"].update(gold_price="0" * 64), "gold_price: "),
    "code": (lambda seal: seal["code"].update(framework="0" * 64), "framework: 0000"),
    "versions": (lambda seal: seal["versions"].update(numpy="1.0"), "numpy: 1.0 -> "),
}  # fmt: skip


@pytest.mark.parametrize("part", FORGERIES)
def test_who_hashes_a_forgery_anew_is_named_by_what_is_computed(place, tmp_path, again, part):
    change, told = FORGERIES[part]
    found = again(altered(place, tmp_path, change))
    assert [item.kind for item in found.differences] == [part]
    assert told in str(found.differences[0])
    assert found.holds is (part in ("code", "versions"))


def test_other_terms_are_other_figures(place, tmp_path, again):
    found = again(altered(place, tmp_path, lambda seal: seal["terms"]["execution"].update(fees=0.0)))
    assert not found.holds
    assert "figures" in {item.kind for item in found.differences}


def test_the_last_digits_of_another_machine_are_no_difference(place, tmp_path, again):
    def rounded(seal):
        estimate = seal["figures"]["claim rising"]["evidence"]["timing_return"]
        estimate["value"] *= 1 + 1e-13

    assert again(altered(place, tmp_path, rounded)).holds


def test_other_data_are_named_with_the_years(place, tmp_path, again):
    import shutil

    from tests.pins import pin
    from tests.test_runs import flip_a_digit

    shutil.copytree(place / "pack", tmp_path / "pack")
    year = flip_a_digit(tmp_path / "pack" / "gold_price.csv", 100)
    pin(tmp_path / "pack")
    found = again(pack=(tmp_path / "pack",))
    assert not found.holds
    assert found.differences[0].kind == "data"
    assert f"values of {year} differ" in found.differences[0].what


def test_what_is_missing_is_asked_for(place, tmp_path, again):
    other = tmp_path / "other.py"
    other.write_text(STRATEGY.replace("price >", "price >= 1.01 *"))
    found = again(strategy=other)
    assert found.differences[0].kind == "code"
    assert "strategies: rising" in found.differences[0].what
    data = open_data(place / "pack", user=False)
    without = verify(place / "seal.json", data)
    assert not without.holds
    assert "--strategy rising=FILE" in str(without.differences[-1])
    public = again(pack=())
    assert public.differences[0].kind == "data"
    assert {item.what.partition(":")[0] for item in public.differences if item.kind == "data"} == {
        "bill_rate",
        "gold_price",
    }
    assert public.differences[0].what.endswith("; pass --data DIR, the pack that holds it")
    assert not public.holds


@pytest.mark.parametrize("key", ["tried", "rules", "record", "verdict"])
def test_a_forgery_that_lacks_something_is_no_seal(place, tmp_path, again, key):
    def lacking(seal):
        (seal["words"]["claim rising"] if key == "verdict" else seal["terms"]).pop(key)

    with pytest.raises(RunError, match="is no whole seal"):
        again(altered(place, tmp_path, lacking))


def test_a_seal_runs_nothing_that_it_holds(place, tmp_path):
    """The source in a seal is there to be read."""
    mark = tmp_path / "ran"
    forged = altered(
        place, tmp_path, lambda s: s["code"]["sources"].update(rising=f"open({str(mark)!r}, 'w')\n{STRATEGY}")
    )
    verify(forged, open_data(place / "pack", user=False))
    assert not mark.exists()


def test_on_the_command_line(place, tmp_path, capsys):
    file = tmp_path / "verdict.json"
    assert main(["seal", str(place / "run"), "-o", str(file)]) == 0
    digest = json.loads(file.read_text())["digest"]
    assert digest in capsys.readouterr().out
    assert file.read_bytes() == (place / "seal.json").read_bytes(), "a run has one seal"
    words = ["verify", str(file), "--data", str(place / "pack"), "--strategy", f"rising={place / 'rising.py'}"]
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["holds"]
    assert document["differences"] == []
    assert main(["verify", str(file), "--data", str(place / "pack")]) == 1
    assert "does NOT hold" in capsys.readouterr().out
    file.write_text(file.read_text().replace("It rises on.", "It rises off."))
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "was altered after it was sealed: code, words; obtain it again" in error, "the source says it too"
    assert error.count("\n") == 1
    assert main(["seal", str(tmp_path), "-o", str(file)]) == 2
    assert main(["seal", str(place / "run"), "-o", str(tmp_path / "no" / "file.json")]) == 2
    assert main([*words[:-1], "rising"]) == 2


@pytest.mark.slow
def test_a_thesis_strategy_is_recomputed_from_the_package_alone(tmp_path):
    data = open_data(user=False)
    save(compare(["lease_rate_spike"], data, metals=["silver"]), tmp_path / "run", data)
    seal(tmp_path / "run", tmp_path / "seal.json")
    assert verify(tmp_path / "seal.json").holds

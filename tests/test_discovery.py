"""Strategies are found by name whatever lies about, and by file as python finds a script's modules."""

import os
import subprocess
import sys
import tempfile
import textwrap
from contextlib import nullcontext
from pathlib import Path

import pytest

from research import strategy
from research.discovery import all_strategies, distinct, find_strategy
from research.errors import StrategyError
from research.home import shadows

REPOSITORY = Path(__file__).resolve().parents[1]
IDEA = """
from research import strategy
{more}

@strategy(claim="c", metal="gold", inputs={{"price": "gold_price"}}, expected_sign=+1)
def idea(panel):
    {body}
"""


def write(file, body="return panel['price'] * 0", more=""):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(IDEA.format(body=body, more=more))
    return str(file)


def python(folder, code, **environment):
    """Run code in a folder, which python puts first on the path, with this repository behind it."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_folder_called_strategies_hides_nothing(tmp_path):
    write(tmp_path / "strategies" / "mine.py")
    (tmp_path / "strategies" / "__init__.py").write_text("MINE = True\n")
    code = """
    from research.discovery import all_strategies, find_strategy
    {first}
    assert find_strategy("whole_thesis").signal.__code__.co_filename.startswith({ours!r})
    import strategies
    assert strategies.MINE and strategies.__file__.startswith({folder!r}), strategies.__file__
    assert len(all_strategies()) == {n}
    """
    for first in ("", "import strategies"):
        ran = python(
            tmp_path, code.format(first=first, folder=str(tmp_path), ours=str(REPOSITORY), n=len(all_strategies()))
        )
        assert ran.returncode == 0, ran.stderr


def test_what_hides_the_package_is_named(tmp_path):
    assert shadows(tmp_path) == []
    assert shadows(REPOSITORY) == [], "our own"
    (tmp_path / "research").mkdir()
    assert shadows(tmp_path) == [], "python prefers a package with __init__.py wherever it is"
    (tmp_path / "research" / "__init__.py").touch()
    (tmp_path / "research.py").touch()
    (tmp_path / "strategies.py").touch()  # which hides nothing
    package, module = shadows(tmp_path)
    assert str(tmp_path / "research" / "__init__.py") in package
    assert str(tmp_path / "research.py") in module
    assert "rename it" in package


def test_the_command_says_so(tmp_path):
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "__init__.py").touch()
    ours = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from research.cli import main; sys.exit(main())"
    run = [sys.executable, "-c", ours, "strategies", "--json"]
    ran = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"{tmp_path / 'research' / '__init__.py'}: `import research`" in ran.stderr


def test_a_folder_called_research_hides_nothing_of_assay(tmp_path):
    (tmp_path / "research").mkdir()
    (tmp_path / "research" / "__init__.py").write_text("MINE = True\n")
    first = python(tmp_path, "from assay import compare, open_data; import research.cli; print(compare.__module__)")
    assert first.stdout.strip() == "research.study.study", first.stderr
    late = python(tmp_path, "import research, assay")
    assert f"`research` is already {tmp_path / 'research' / '__init__.py'}, not assay's own" in late.stderr
    command = python(tmp_path, "import sys, assay; sys.argv = ['assay', 'trials']; sys.exit(assay.main())")
    assert command.returncode == 0, command.stderr


def test_assay_is_research_by_another_name():
    import assay
    import research

    assert assay.__all__ == research.__all__
    assert assay.strategy is research.strategy


def test_a_helper_beside_the_file_is_found_from_anywhere(tmp_path, monkeypatch):
    write(tmp_path / "idea.py", "return helper_here.FACTOR", "import helper_here")
    (tmp_path / "helper_here.py").write_text("FACTOR = 3\n")
    monkeypatch.chdir("/")
    assert find_strategy(str(tmp_path / "idea.py")).signal({}) == 3


@pytest.mark.parametrize("name", ["idea.v2.py", "my-idea.py", "2nd idea.py"])
def test_a_file_of_any_name_is_read(tmp_path, name):
    assert find_strategy(write(tmp_path / name, "return 5")).signal({}) == 5


def test_a_helper_that_is_imported_when_the_signal_runs_is_found_too(tmp_path):
    file = write(tmp_path / "idea.py", "import helper_at_run; return helper_at_run.FACTOR")
    (tmp_path / "helper_at_run.py").write_text("FACTOR = 4\n")
    assert find_strategy(file).signal({}) == 4


def test_a_file_written_again_in_the_same_second_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    found = []
    for number in (1, 2):
        file = write(tmp_path / "idea.py", f"return {number}")
        os.utime(file, (1e9, 1e9))
        found.append(find_strategy(file).signal({}))
    assert found == [1, 2]


def test_two_files_of_one_name_are_two_and_each_has_its_own_helper(tmp_path):
    found = {}
    for number in (1, 2):
        write(tmp_path / str(number) / "idea.py", "return helper_twice.FACTOR", "import helper_twice")
        (tmp_path / str(number) / "helper_twice.py").write_text(f"FACTOR = {number}\n")
        found[number] = find_strategy(str(tmp_path / str(number) / "idea.py"))
    assert {number: item.signal({}) for number, item in found.items()} == {1: 1, 2: 2}
    assert found[1].source_hash != found[2].source_hash
    assert found[1].signal.__module__ != found[2].signal.__module__


def test_the_callers_own_module_of_a_helpers_name_stays_the_callers(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "helper_both.py").write_text("FACTOR = 'mine'\n")
    monkeypatch.syspath_prepend(tmp_path / "mine")
    import helper_both

    file = write(tmp_path / "theirs" / "idea.py", "return helper_both.FACTOR", "import helper_both")
    (tmp_path / "theirs" / "helper_both.py").write_text("FACTOR = 'theirs'\n")
    for _ in range(2):
        assert find_strategy(file).signal({}) == "theirs"
        assert sys.modules["helper_both"] is helper_both


def test_an_edited_helper_is_read_anew(tmp_path):
    file = write(tmp_path / "idea.py", "return helper_edited.FACTOR", "import helper_edited")
    (tmp_path / "helper_edited.py").write_text("FACTOR = 1\n")
    first = find_strategy(file)
    (tmp_path / "helper_edited.py").write_text("FACTOR = 1 + 22\n")
    assert find_strategy(file).signal({}) == 23
    assert first.signal({}) == 1


def test_a_file_that_ends_the_process_is_refused_with_its_line(tmp_path):
    file = write(tmp_path / "idea.py", more="import sys; sys.exit(3)")
    with pytest.raises(StrategyError, match=r"idea\.py:3: ends the process"):
        find_strategy(file)


def test_a_signal_that_ends_the_process_is_refused_with_its_line(tmp_path):
    file = write(tmp_path / "idea.py", "import sys; sys.exit(3)")
    panel = type("Panel", (), {"memo": type("Memo", (), {"active": lambda self: nullcontext()})()})()
    with pytest.raises(StrategyError, match=r"SystemExit: 3 \(idea\.py:7\)"):
        find_strategy(file).decide(panel, {})


def declared(factor):
    @strategy(claim="c", metal="gold", inputs={"price": "gold_price"}, expected_sign=+1)
    def twin(panel):
        return panel["price"] * factor

    return twin


def test_two_of_one_name_are_one_or_refused():
    first, again, other = declared(1.0), declared(1.0), declared(2.0)
    assert distinct([first, first, again]) == [first]
    with pytest.raises(StrategyError, match="two different strategies of this name"):
        distinct([first, other])


def test_docstrings_may_be_stripped():
    code = """
    import pandas as pd
    from research import Execution, open_data
    from research.engine.portfolio import run
    market = open_data().market("gold", "2020")
    result = run(pd.Series(1.0, index=market.price.index), market, Execution(), name="always")
    print(result.weights.iloc[-1] > 0.99)
    """
    kept = Path(tempfile.gettempdir()) / f"assay-stripped-{os.getuid()}"  # nobody has compiled the libraries so
    ran = python(REPOSITORY, code, PYTHONOPTIMIZE="2", PYTHONPYCACHEPREFIX=str(kept), PYTHONDONTWRITEBYTECODE="")
    assert ran.stdout.strip() == "True", ran.stderr[-300:]

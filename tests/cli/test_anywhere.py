"""The first minute, and any terminal: greeting, version, completion, demonstrations, colours and encodings."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from research.cli import main

ROOT = Path(__file__).resolve().parents[2]


def python(*words, **environment):
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | environment
    return subprocess.run([sys.executable, *words], capture_output=True, cwd=ROOT, env=environment)


def test_assay_alone_greets_in_five_lines_that_can_be_typed(told):
    status, out, error = told()
    assert (status, error, len(out.splitlines())) == (0, "", 5)
    assert "assay check --demo" in out
    assert "assay backtest --demo" in out


def test_the_version(told):
    from importlib.metadata import version

    assert told("--version") == (0, f"assay {version('assay')}\n", "")


def test_help_says_how_a_shell_completes(told):
    out = told("--help")[1]
    for option in ("--show-completion", "--version", "--no-config", "--thesis"):
        assert option in out


@pytest.mark.parametrize(("typed", "offers"), [("assay comp", "compare"), ("assay backtest --sta", "--start")])
def test_a_shell_completes(typed, offers):
    words = typed.split()
    done = python("-m", "research", _ASSAY_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1))
    assert f"plain,{offers}" in done.stdout.decode().split()


def test_completion_is_one_line_for_each_shell(told, monkeypatch):
    for shell, line in (
        ("/usr/bin/fish", "env _ASSAY_COMPLETE=fish_source assay | source\n"),
        ("/bin/bash", 'eval "$(env _ASSAY_COMPLETE=bash_source assay)"\n'),
    ):
        monkeypatch.setenv("SHELL", shell)
        assert told("--show-completion") == (0, line, "")
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert "begin the line with SHELL=bash" in told("--show-completion")[2]


def test_an_honest_rule_is_judged_and_nothing_is_counted(told):
    status, out, _ = told("backtest", "--demo")
    assert status == 0
    assert "looks_one_month_back" in out
    assert "from 1975" in out
    assert "not recorded (--no-ledger)" in out
    assert "no trials" in told("trials")[1]


def test_a_leak_is_rejected(told):
    status, out, _ = told("check", "--demo", "--cuts", "2")
    assert status == 1
    assert "In short: looks_one_month_ahead: failed." in out
    assert out.splitlines()[-1] == "Next: assay backtest --demo"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_color_leaves_nothing_but_text(monkeypatch, thesis, told):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = []
    for _ in range(2):
        monkeypatch.setattr(sys, "stdout", Terminal())
        assert main(["--thesis", str(thesis), "backtest", "drained", "--no-ledger"]) == 0
        shown.append(sys.stdout.getvalue())
        monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in shown[0]
    assert "\x1b" not in shown[1]


COMMANDS = (("backtest", "drained", "--no-ledger"), ("strategies",), ("data",), ("claims",), ("today",), ("nonsense",))


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437", "utf-8"])
def test_any_encoding_of_the_output(monkeypatch, told, thesis, encoding):
    for words in COMMANDS:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0])
        monkeypatch.setattr(sys, "stderr", streams[1])
        assert main(["--thesis", str(thesis), *words]) in (0, 2)
        for stream in streams:
            stream.flush()
        out, error = (stream.buffer.getvalue().decode(encoding) for stream in streams)
        assert "?" not in out.replace("did you mean", ""), "every sign that we print has a plain one"
        assert bool(error) == (words == ("nonsense",))


def test_a_sign_that_no_encoding_has_is_replaced(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["Krämer–金"]) == 2
    stream.flush()
    assert b"'Kramer-?'" in stream.buffer.getvalue()


def test_json_takes_no_longer_than_the_table(told, thesis, monkeypatch):
    from research.study.trial import Trial

    monkeypatch.setattr(Trial, "appendix", property(lambda self: pytest.fail("what does not decide was computed")))
    status, out, _ = told("--thesis", thesis, "backtest", "drained", "--json", "--delay", "3", "--no-ledger")
    assert status == 0
    assert "timing_return" in json.loads(out)["trials"][0]["findings"]
    assert told("--thesis", thesis, "backtest", "drained", "--delay", "3", "--no-ledger")[0] == 0


def test_verbose_json_has_the_rest(told, thesis):
    words = ("--thesis", thesis, "backtest", "drained", "--json", "--no-ledger")
    few, all_of_it = (json.loads(told(*words, *more)[1])["trials"][0]["findings"] for more in ((), ("--verbose",)))
    assert set(few) < set(all_of_it)
    assert "sharpe_ratio" in all_of_it


@pytest.mark.slow
def test_a_python_without_docstrings_and_asserts_runs(home):
    done = python("-OO", "-m", "research", "backtest", "--demo", ASSAY_HOME=str(home))
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_recorded_run_of_another_thesis_is_run_again_in_it(told, thesis, tmp_path):
    run = tmp_path / "run"
    assert told("--thesis", thesis, "backtest", "drained", "--run", run)[0] == 0
    for words in ((), ("--thesis", thesis), ("--data", thesis)):
        status, out, error = told("replay", run, *words)
        assert (status, f"In short: {run}: identical." in " ".join(out.split())) == (0, True), out + error

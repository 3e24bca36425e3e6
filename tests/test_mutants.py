"""A changed operator of the judge is seen by a quick test."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="each mutant runs in a forked process")
def test_no_mutant_of_the_judge_survives():
    command = [sys.executable, "-m", "tests.mutants", "--at-most", "60", "--seed", "1"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

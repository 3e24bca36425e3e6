"""An assistant gets the house's answers with the house's rules, and no way around either."""

import json
import sys

import pytest

from research.agent import INSTRUCTIONS, _short, server
from research.cli import main
from research.ledger import Ledger
from tests.brought.made import column, noise, written

FAKE = {"strategies": [{"name": "x"}], "check": {"outcome": "passed"}, "claims": {"C1": 1}}


def needs_sdk():
    return pytest.importorskip("mcp", reason="the extra agent is not installed")


def asked(house, *calls):
    """Answers of a server to calls of its tools: the JSON, or the error in words."""
    mcp = needs_sdk()
    import anyio

    async def run():
        async with mcp.Client(house) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            answers = [await client.call_tool(name, arguments) for name, arguments in calls]
            return client.instructions, tools, answers

    instructions, tools, answers = anyio.run(run)
    told = [answer.content[0].text if answer.is_error else json.loads(answer.content[0].text) for answer in answers]
    return instructions, tools, told


def line(typed, status=0, answer=None):
    """A command line that notes what was typed."""

    def command(words):
        typed.append(list(words))
        if status == 2:
            print("assay: no such thing; name another", file=sys.stderr)
        else:
            print(json.dumps(answer if answer is not None else FAKE.get(words[0], {"verdict": {"word": "ruled out"}})))
        return status

    return command


def test_four_tools_and_the_rules():
    instructions, tools, _ = asked(server_of([]))
    assert set(tools) == {"strategies", "check", "judge", "claims"}
    assert instructions == INSTRUCTIONS
    assert "Never name fewer trials to obtain a better word" in instructions
    assert "trials" in tools["judge"].input_schema["properties"]
    assert not [name for tool in tools.values() for name in tool.input_schema["properties"] if "ledger" in name]


def server_of(typed, **how):
    needs_sdk()
    return server(line(typed, **how))


def test_each_tool_types_one_command_and_none_leaves_the_ledger_out():
    typed = []
    calls = (
        ("strategies", {}),
        ("check", {"strategy": "a", "metal": "gold"}),
        ("judge", {"target": "a", "metal": "gold", "parameters": ["n=2", "m=3"]}),
        ("judge", {"target": "mine.py", "metal": "silver"}),
        ("judge", {"target": "w.csv", "metal": "gold", "trials": 9, "kind": "weights", "claims": ["Sharpe 1.8"]}),
        ("claims", {}),
        ("claims", {"verdicts": True}),
        ("check", {"strategy": "--no-ledger"}),
    )
    _, _, told = asked(server_of(typed), *calls)
    assert typed == [
        ["strategies", "--json"],
        ["check", "--json", "--metal=gold", "--", "a"],
        ["backtest", "--json", "--metal=gold", "--param=n=2", "--param=m=3", "--", "a"],
        ["backtest", "--json", "--metal=silver", "--", "mine.py"],
        ["judge", "--json", "--metal=gold", "--trials=9", "--claims=Sharpe 1.8", "--as=weights", "--", "w.csv"],
        ["claims", "--json"],
        ["claims", "--json", "--verdicts"],
        ["check", "--json", "--", "--no-ledger"],
    ]
    assert told[0] == [{"name": "x"}]
    assert told[1] == {"outcome": "passed"}


def test_fewer_trials_are_never_named_than_before(tmp_path):
    typed = []
    file = {"target": str(tmp_path / "w.csv"), "metal": "gold"}
    again = {**file, "target": f"{tmp_path}/./w.csv"}
    calls = [("judge", {**file, **more}) for more in ({}, {"trials": 40}, {"trials": 3}, {"trials": 41})]
    _, _, told = asked(server_of(typed), *calls, ("judge", {**again, "trials": 40}), ("judge", {**file, "trials": 0}))
    assert len(typed) == 2
    for at, least in ((0, 1), (2, 40), (4, 41), (5, 41)):
        assert f"count every variant that was looked at, {least} or more" in told[at]


def test_an_error_is_its_one_line():
    _, _, told = asked(server_of([], status=2), ("check", {"strategy": "x"}))
    assert "assay: no such thing; name another" in told[0]


def test_what_has_no_room_in_a_conversation_is_left_out():
    whole = {
        "claims": {"C1+": {"rows": {"a": 1}, "verdict": {"word": "ruled out"}}},
        "trials": [{"findings": 1, "n": 2}],
    }
    assert _short(whole) == {"claims": {"C1+": {"verdict": {"word": "ruled out"}}}, "trials": [{"n": 2}]}


def test_through_the_true_command_line(tmp_path):
    needs_sdk()
    file = written(tmp_path, column("returns", noise(200), first="2000-01-31"))
    calls = (
        ("strategies", {}),
        ("judge", {"target": str(file), "metal": "gold", "trials": 5, "claims": ["Sharpe 1.8"]}),
        ("judge", {"target": "no_such_strategy", "metal": "gold"}),
    )
    _, _, (known, judged, refused) = asked(server(main), *calls)
    assert "lease_rate_spike" in {item["name"] for item in known}
    assert judged["evidence"]["n_tried"] == 5
    assert judged["figures"][0]["name"] == "Sharpe"
    assert "no_such_strategy" in refused
    assert len(Ledger().kept([_gold()], 12)[0]) == 1, "it counts from now on"


def _gold():
    from research import open_data

    return next(item.sha256 for item in open_data().market("gold").datasets.values() if item.price)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert main(["mcp"]) == 2
    assert capsys.readouterr().err == "assay: mcp: not installed; pip install mcp\n"

"""What the tests keep is what the house has."""

from importlib import import_module

from tests.once import DEAR


def test_what_is_kept_through_a_session_is_there():
    assert [name for module, name in DEAR if not hasattr(import_module(module), name)] == []

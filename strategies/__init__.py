"""The thesis: one module per signal, found by name."""

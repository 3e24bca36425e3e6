"""From weights to a Result: vectorbt is the engine of record."""

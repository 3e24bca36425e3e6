"""Pure functions from results to Findings."""

"""Thousands of variants of one strategy, and how much of the best is luck."""

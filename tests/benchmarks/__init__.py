"""Measurements, as ratios within one run: `python -m tests.benchmarks`. None of them is a test."""

"""Measuring: benchmarks, baselines, metrics and statistics."""

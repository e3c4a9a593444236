"""Recordings as numbers: features of short frames."""

"""Measuring this machine: the recurrence and a whole training step against what others run. Never prints."""

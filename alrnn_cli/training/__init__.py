"""Training: the loop, evaluation, resume. Never prints; callers pass a callback that is told how it goes."""

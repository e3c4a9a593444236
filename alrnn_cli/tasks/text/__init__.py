"""Texts as numbers: reviews as indices of words, and words as vectors."""

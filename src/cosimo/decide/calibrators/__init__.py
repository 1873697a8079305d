"""Scores to probabilities, and how far probabilities can be believed."""

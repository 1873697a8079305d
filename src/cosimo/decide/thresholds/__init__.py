"""Cuts that keep a promise: precision, recall, false accepts, and both sides at once."""

"""Monitors: whether what is decided still looks like what was labelled."""

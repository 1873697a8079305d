"""Deciding which model answers."""

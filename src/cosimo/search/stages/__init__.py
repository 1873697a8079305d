"""Stages: middleware around a search."""

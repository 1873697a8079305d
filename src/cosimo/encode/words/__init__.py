"""Encoders that read words, and where words stand."""

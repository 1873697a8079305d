"""Encoders that read texts."""

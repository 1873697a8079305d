"""Encoders around an encoder."""

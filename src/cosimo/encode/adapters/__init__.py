"""Encoders made of somebody else's code, service or vectors."""

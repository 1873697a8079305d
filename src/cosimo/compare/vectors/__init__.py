"""Similarities of single vectors."""

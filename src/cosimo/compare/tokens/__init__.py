"""Similarities of sets of token vectors."""

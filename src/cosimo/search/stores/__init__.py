"""Durable stores of items and their vectors."""

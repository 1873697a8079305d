"""Surfaces for people and programs; nothing else in cosimo knows of them."""

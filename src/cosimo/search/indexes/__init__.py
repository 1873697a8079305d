"""Indexes: exact search, and approximate search on FAISS behind the same contract."""

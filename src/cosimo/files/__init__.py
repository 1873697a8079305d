"""Reading and writing: records, vectors and the formats of others, all or nothing, and nothing of their meaning."""

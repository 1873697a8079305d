"""Jobs from a file to a file."""

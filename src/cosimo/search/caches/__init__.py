"""What can be made again from the database, kept in files that may be deleted."""

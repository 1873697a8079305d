"""Pages to read a report on: one HTML file that needs nothing from elsewhere."""

"""Models and data sets compared."""

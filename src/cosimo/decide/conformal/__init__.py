"""Rules with conformal coverage."""

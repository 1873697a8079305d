"""The engine that deciders share: labels checked, thresholds walked, attempts counted, refusals worded."""

"""Jobs on labelled data, one protocol a file; the same data and seeds for every system."""

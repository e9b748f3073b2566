"""Components that spaCy trains as its own: heads that are fitted, not stepped."""

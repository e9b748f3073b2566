"""The `[al]` section of a spaCy config, and the project it makes."""

"""An annotator made of gold."""

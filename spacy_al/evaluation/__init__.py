"""A model held against gold."""

"""Pipelines and components that label beside people: asked once a text, kept apart from people's answers, and judged by them."""

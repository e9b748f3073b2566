"""Label Studio: its tasks, its server, and the way there and back."""

"""The passes in their order, and one stack on disk."""

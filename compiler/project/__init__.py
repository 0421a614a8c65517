"""Resolves a stack to one Compose project: one module per concern."""

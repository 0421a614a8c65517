"""Resolves a stack to a plan: one module per concern."""

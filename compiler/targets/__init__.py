"""Renderers of a plan: each turns it into artifacts."""

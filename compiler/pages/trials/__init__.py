"""Adapters tried: without an engine, by what they say and render, and on a running one."""

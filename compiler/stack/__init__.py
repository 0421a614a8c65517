"""A stack checked and typed: its databases with their adapters, its services as they are written."""

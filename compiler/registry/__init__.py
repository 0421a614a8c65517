"""Adapters: one engine each as data, found in their folders and chosen by what a database needs."""

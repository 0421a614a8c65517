"""The JSON Schemas of stacks and adapters, and the Compose Specification's."""

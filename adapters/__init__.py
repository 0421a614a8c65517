"""The built-in adapters: one YAML file per database engine."""

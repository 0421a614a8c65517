"""stackc compiles one stack.yaml into a Docker Compose project."""

__version__ = "0.1.0"

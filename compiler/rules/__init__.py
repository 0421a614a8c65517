"""What is checked between and inside the containers of a project."""

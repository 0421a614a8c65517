"""What a shell script would do, found without running any of it."""

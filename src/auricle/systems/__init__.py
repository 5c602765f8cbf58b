"""The one assembled model: its configuration, bundle and runtime."""

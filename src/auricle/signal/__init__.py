"""Audio in and out, and everything that is measured on it before a model looks."""

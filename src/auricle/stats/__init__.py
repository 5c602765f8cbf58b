"""Pure statistical functions over arrays."""

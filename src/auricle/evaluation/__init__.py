"""How well a metric agrees with labels it never saw."""

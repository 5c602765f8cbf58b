"""Published systems and corpora as YAML."""

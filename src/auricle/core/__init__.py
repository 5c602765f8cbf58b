"""The vocabulary every other room speaks: audio, score, metric specification, errors."""

"""Manifests, corpora and the generation of labelled clips."""

"""Auricle tells how good audio sounds."""

"""Reports as one self-contained HTML file: what stands in them, their charts, and how they look."""

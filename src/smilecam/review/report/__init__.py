"""A report of results as one HTML file."""

"""The documentation site: its pages, its pictures, and how it reads docstrings."""

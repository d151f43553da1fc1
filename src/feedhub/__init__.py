"""feedhub turns a folder of article files into feeds: RSS 2.0, Atom 1.0 and JSON Feed 1.1."""

__version__ = "0.2.0"

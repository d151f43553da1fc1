"""Serving: the documents of a site over HTTP, from a catalog that another process keeps."""

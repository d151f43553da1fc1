"""The HTTP server: the documents of a site, built from a catalog that another process writes."""

"""Long tests that `make torture` runs; the others do not collect them."""

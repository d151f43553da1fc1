"""The golden files: what feedhub writes for the sample feed, byte for byte.

After a change of the formats that is meant, write them anew and read the difference:

    .venv/bin/python -m tests.golden && git diff tests/golden
"""

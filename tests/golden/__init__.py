"""The golden files: what feedhub writes for the sample feed, byte for byte.

After an intended change of the formats, write them again and read the difference:

    .venv/bin/python -m tests.golden && git diff tests/golden
"""

"""Write the golden files anew."""

from pathlib import Path

from tests.golden.sample import documents

for name, body in documents().items():
    (Path(__file__).parent / name).write_bytes(body)

"""Write the golden files anew."""

from pathlib import Path

from tests.golden.sample import documents
from tests.golden.tags import tags

for name, body in documents().items():
    (Path(__file__).parent / name).write_bytes(body)
(Path(__file__).parent / "entity-tags").write_text(tags(), encoding="utf-8")

"""Write posts as people write them: Markdown of 3 to 15 KB with lists, tables, code and pictures.

    python -m bench.posts 2000 FOLDER

The articles of the other benchmarks are short; here reading Markdown and sanitising it is most of
the work. The same number always gives the same posts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random

SMALLEST, LARGEST = 3_000, 15_000
WORDS = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from "
    "or had an they which one you were all her she there would their we him been has when who "
    "will no more if out so up said what its about than into them can only other time new some "
    "could these two may first then do any like my now over such our man me even most made after "
    "also did many off before must well back through years where much your way down should "
    "because long each just state people those too how little good world make very year still "
    "see own work men day get here old between both life being under three never know same last "
    "another while us might great go come since against right came take used himself few house "
    "use during without again place around however home small found thought went say part once "
    "general high upon school every got united left number course war until always away "
    "something fact though water less public put think almost hand enough far took head yet "
    "government system better set told nothing night end why called find going look asked later "
    "knew point next program city business group toward young days let room within children"
).split()


def main() -> None:
    """Write the posts that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    write_posts(options.number, options.folder)


def write_posts(number: int, folder: Path) -> None:
    """Write a number of posts into a folder that may not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    author = Author(Random(7))
    for index in range(number):
        (folder / f"post-{index:05}.md").write_text(author.post(index), encoding="utf-8")


class Author:
    """Writes posts by chance, in the proportions of blogs about programs."""

    def __init__(self, random: Random) -> None:
        self.random = random
        # Of a hundred blocks, so many are of each kind.
        self._blocks: dict[Callable[[], str], int] = {
            self.paragraph: 50,
            self.heading: 12,
            self.bullets: 12,
            self.code: 10,
            self.picture: 6,
            self.table: 4,
            self.quotation: 3,
            self.figure: 3,
        }

    def post(self, index: int) -> str:
        """Return a post with front matter; its number gives the time of day."""
        random = self.random
        size, length = random.randint(SMALLEST, LARGEST), 0
        blocks = [self.paragraph()]
        while length < size:
            [make] = random.choices([*self._blocks], [*self._blocks.values()])
            blocks.append(make())
            length += len(blocks[-1])
        day = f"20{random.randint(10, 24)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        return (
            f'---\ntitle: "{self.words(6).capitalize()}"\n'
            f"date: {day}T{index % 24:02}:{index % 60:02}:00Z\n"
            f"tags: [{self.word()}, {self.word()}]\n---\n" + "\n\n".join(blocks) + "\n"
        )

    def word(self) -> str:
        """Return a word."""
        return self.random.choice(WORDS)

    def words(self, number: int) -> str:
        """Return some words."""
        return " ".join(self.random.choices(WORDS, k=number))

    def sentence(self) -> str:
        """Return a sentence; every third has emphasis, code, a link or signs beyond ASCII."""
        words = self.words(self.random.randint(6, 22)).split()
        place = self.random.randrange(len(words))
        word = words[place]
        forms = {
            f"**{word}**": 8,
            f"*{word}*": 8,
            f"`{word}()`": 8,
            f"[{word} {self.word()}](/{self.word()}/{self.word()}/)": 8,
            f"[{word}](https://example.org/{self.word()}?a=1&b=2)": 4,
            f"{word} – “{self.word()}” é": 2,
            word: 62,
        }
        [words[place]] = self.random.choices([*forms], [*forms.values()])
        return " ".join(words).capitalize() + "."

    def sentences(self, fewest: int, most: int) -> list[str]:
        """Return some sentences."""
        return [self.sentence() for _ in range(self.random.randint(fewest, most))]

    def paragraph(self) -> str:
        """Return a paragraph."""
        return " ".join(self.sentences(2, 6))

    def heading(self) -> str:
        """Return a heading."""
        return f"## {self.words(4).capitalize()}"

    def bullets(self) -> str:
        """Return a list."""
        mark = self.random.choice(["- ", "1. ", "* "])
        return "\n".join(mark + sentence for sentence in self.sentences(3, 8))

    def code(self) -> str:
        """Return a block of code."""
        lines = [
            "    " * self.random.randint(0, 3)
            + f"{self.word()} = {self.word()}(1) < '&{self.word()}'"
            for _ in range(self.random.randint(3, 18))
        ]
        return "\n".join(["```python", *lines, "```"])

    def picture(self) -> str:
        """Return a picture."""
        return f"![{self.words(2)}](/img/{self.word()}-{self.random.randrange(999)}.png)"

    def table(self) -> str:
        """Return a table."""
        width = self.random.randint(2, 5)
        rows = [
            f"| {' | '.join(self.words(width).split())} |"
            for _ in range(self.random.randint(3, 10))
        ]
        return "\n".join([rows[0], "|" + "---|" * width, *rows[1:]])

    def quotation(self) -> str:
        """Return a quotation."""
        return "\n".join(f"> {sentence}" for sentence in self.sentences(1, 3))

    def figure(self) -> str:
        """Return a figure in HTML."""
        picture = f'<img src="/i/{self.word()}.jpg" width="600" alt="{self.word()}">'
        return f"<figure>{picture}<figcaption>{self.sentence()}</figcaption></figure>"


if __name__ == "__main__":
    main()

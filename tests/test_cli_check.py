"""`feedhub check`: every problem, its position, and the formats of the output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from feedhub.check import as_github
from feedhub.errors import Problem
from tests.command_line import BASE, UNTITLED, Result, runner, write
from tests.kit import article_text


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""
    return runner(capsys)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


BAD_SOURCE = {
    "alias.md": "---\ntitle: &a One\nexcerpt: *b\n---\n",
    "flag.md": "---\ntitle: Flag\npublished: perhaps\n---\n",
    "fence.md": "---\ntitle: Fence\n",
    "one.md": article_text("One", topics=["C&A"], publishedDateTime="2020-01-01T00:00:00Z"),
    "same.md": article_text("Same", webUrl="https://news.example/one"),
    "two.md": article_text("Two", topics=["C A"]),
    "three.md": article_text("Three", topics=["!!!"]),
    "untitled.md": UNTITLED,
}


@pytest.fixture
def bad_source() -> None:
    for name, text in BAD_SOURCE.items():
        write(name, text)


@pytest.mark.usefixtures("bad_source")
def test_check_prints_every_problem_with_its_position(run):
    ran = run("check", "articles", *BASE)
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    for line in lines:
        assert re.match(r"articles/\w+\.md:\d+:\d+: (error|warning|info) [a-z-]+ \w.+", line), line
    codes = {line.split()[2]: line for line in lines}
    assert codes["duplicate-url"].startswith("articles/same.md:1:1: warning")
    assert "articles/one.md" in codes["duplicate-url"]
    assert {"slug-collision", "no-title"} <= codes.keys()
    assert {line.split(":")[0] for line in lines if ": error " in line} == {
        f"articles/{name}.md" for name in ("alias", "fence", "flag")
    }
    assert lines == sorted(lines)


@pytest.mark.usefixtures("bad_source")
def test_check_reports_labels_with_the_same_slug(run):
    found = [line for line in run("check", "articles", *BASE).out.splitlines() if "slug" in line]
    assert len(found) == 2
    assert re.fullmatch(
        r"articles/three\.md:1:1: warning slug-collision the topic '!!!' has no letter or digit, "
        r"so its feed is https://feeds\.example\.org/topics/label-[0-9a-f]{8}\.rss: rename it",
        found[0],
    )
    assert re.fullmatch(
        r"articles/two\.md:1:1: warning slug-collision the topic 'C A' is too similar to 'C&A', so "
        r"its feed is https://feeds\.example\.org/topics/c-a-[0-9a-f]{8}\.rss: "
        r"rename one of the two",
        found[1],
    )


@pytest.mark.usefixtures("bad_source")
def test_check_prints_the_same_as_json(run):
    text = run("check", "articles").out
    ran = run("check", "articles", "--format", "json")
    rows = json.loads(ran.out)
    assert ran.code == 1
    assert set(rows[0]) == {"path", "line", "column", "level", "code", "message"}
    assert "".join(f"{Problem(**row)}\n" for row in rows) == text


@pytest.mark.usefixtures("bad_source")
def test_check_prints_workflow_commands_for_github(run):
    lines = run("check", "articles", "--format", "github").out.splitlines()
    rows = json.loads(run("check", "articles", "--format", "json").out)
    form = r"::(error|warning|notice) file=([^,:]+),line=(\d+),col=(\d+),title=([a-z-]+)::(\S.*)"
    found = [re.fullmatch(form, line) for line in lines]
    assert [match[2] for match in found if match] == [row["path"] for row in rows]
    assert [match[6] for match in found if match] == [row["message"] for row in rows]


def test_workflow_commands_are_escaped():
    problem = Problem(path="a,b:c%.md", level="info", code="x", message="50%\r\nnot: so, bad")
    assert as_github([problem]) == (
        "::notice file=a%2Cb%3Ac%25.md,line=1,col=1,title=x::50%25%0D%0Anot: so, bad\n"
    )


def test_check_of_a_good_source_prints_nothing(run):
    assert run("check", "articles") == Result(0, "", "")
    assert run("check", "articles", "--format", "json") == Result(0, "[]\n", "")
    assert run("check", "articles", "--format", "github") == Result(0, "", "")


def test_warnings_alone_are_code_0(run):
    write("untitled.md", UNTITLED)
    assert run("check", "articles").code == 0


def test_check_reports_unknown_names_in_the_configuration(run):
    Path("feedhub.toml").write_text(CONFIG, encoding="utf-8")
    write("more.md", article_text("More", topics=["Computer Vision"], category="news"))
    ran = run("check", "articles")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "feedhub.toml:10:1: warning unknown-name feeds.custom 'eyes': no article has the topic "
        "'Computr Vision'; did you mean computer vision?",
        "feedhub.toml:11:1: warning unknown-name feeds.custom 'eyes': no article has the category "
        "'sport'",
        "feedhub.toml:3:1: warning unknown-name feeds.moved: 'topics/eyes' leads to "
        "'topics/computer-visions', which is not a feed; did you mean topics/computer-vision?",
    ]


def test_check_reports_a_label_with_the_slug_of_a_retired_feed(run):
    Path("feedhub.toml").write_text("[feeds]\ngone = ['topics/c-sharp']\n", encoding="utf-8")
    write("old.md", article_text("Old", topics=["C#"], publishedDateTime="2019-01-01"))
    write("new.md", article_text("New", topics=["C sharp"]))
    ran = run("check", "articles")
    assert (ran.code, ran.err) == (0, "")
    assert "the topic 'C sharp' is too similar to that of a retired feed, so its feed is" in ran.out


def test_check_reports_the_line_of_the_unknown_name(run):
    text = "[[feeds.custom]]\nname = 'tea'\ntitle = \"Tea's\"\nq = 'Tea'\n"
    Path("feedhub.toml").write_text(f"{text}topic = ['AI', 'Tea time']\n", encoding="utf-8")
    assert run("check", "articles").out.startswith("feedhub.toml:5:1: warning unknown-name")
    Path("feedhub.toml").write_text(
        f"[feeds]\ngone = ['old/tea-set']\nmoved = ['a->tea']\n{text}", encoding="utf-8"
    )
    assert run("check", "articles").out.startswith("feedhub.toml:3:1: warning unknown-name")


def test_check_reports_an_unknown_name_of_a_variable_on_the_first_line(run, monkeypatch):
    Path("feedhub.toml").write_text("[feeds]\nlimit = 7\n", encoding="utf-8")
    monkeypatch.setenv("FEEDHUB_FEEDS_MOVED", "topics/old -> topics/none")
    assert run("check", "articles").out.startswith("feedhub.toml:1:1: warning unknown-name")


CONFIG = """\
[feeds]
moved = [
    "topics/eyes -> topics/computer-visions",
    "topics/sight -> topics/computer-vision",
    "topics/everything -> all",
]

[[feeds.custom]]
name = "eyes"
topic = ["AI", "computer-vision", "Computr Vision"]
not_category = ["sport", "News"]
"""


def test_check_reads_drafts_with_the_option(run):
    write("draft.md", UNTITLED.replace("---\nw", "---\npublished: false\nw", 1))
    assert run("check", "articles").out == ""
    assert "no-title" in run("check", "articles", "--drafts").out


def test_nothing_to_publish_is_an_error_that_counts_the_reasons(run):
    Path("articles/good.md").unlink()
    write("pelican.md", "Title: Hello\nDate: 2010-12-03\n\nText.\n")
    write("hexo.md", "title: Hello\ndate: 2010-12-03\n---\nText.\n")
    write("read.me.md", "# Read me\n")
    write("_config.yml", "title: A site\n")
    write("undated.md", "---\ntitle: Hello\n---\n")
    for name in ("a.rst", "b.RST", "c.mdx", ".d.rst", "e.png"):
        write(name, "x")
    ran = run("check", "articles")
    assert ran.code == 1
    lines = [line.split(" ", 3) for line in ran.out.splitlines()]
    assert {code: (level, place.split(":")[0]) for place, level, code, _ in lines} == {
        "site-source": ("warning", "articles/_config.yml"),
        "nothing-published": ("error", "articles"),
        "other-ending": ("info", "articles/c.mdx"),
        "no-fence": ("info", "articles/pelican.md"),
        "undated": ("info", "articles/undated.md"),
    }
    assert "1 without a date, 4 without front matter;" in ran.out
    assert ran.out.count("put a line --- before it and one behind it") == 2
    assert "a.rst:1:1: info other-ending 2 files that end in .rst are passed over" in ran.out
    assert "a file that ends in .mdx is passed over: rename" in ran.out

    ran = run("render", "articles", "public", *BASE)
    assert ran.code == 3
    assert "old output" not in ran.err
    assert "none of 5 files can be published, so nothing is written: feedhub check says" in ran.err


def test_a_source_without_files_has_nothing_to_publish(run):
    Path("articles").mkdir(exist_ok=True)
    for file in Path("articles").iterdir():
        file.unlink()
    ran = run("check", "articles")
    assert (ran.code, "there are no files" in ran.out) == (1, True)


class TestOneCauseOfManyProblems:
    @pytest.fixture(params=["duplicate-id", "duplicate-url"])
    def many(self, request) -> str:
        """The code of the problem that four files have."""
        for number in range(5):
            fields = {"id": "urn:x:1"} if request.param == "duplicate-id" else {}
            address = number if fields else "same"
            name = f"part-{number}"
            write(f"{name}.md", article_text(name, webUrl=f"https://a.example/{address}", **fields))
        return request.param

    def test_it_is_one_line_with_the_number_of_files(self, run, many):
        ran = run("check", "articles", *BASE)
        (line,) = ran.out.splitlines()
        assert line.startswith("articles/part-1.md:1:1:")
        assert "that of articles/part-0.md, which stays" in line
        assert line.endswith("(and 3 more: --verbose lists them)")
        assert ran.code == (1 if many == "duplicate-id" else 0)

    def test_all_on_request_and_for_programs(self, run, many):
        ran = run("check", "articles", *BASE, "--verbose")
        assert ran.out.count(f" {many} ") == 4
        ran = run("check", "articles", *BASE, "--format", "json")
        assert [problem["code"] for problem in json.loads(ran.out)] == [many] * 4
        assert run("check", "articles", *BASE, "--format", "github").out.count("::") == 8

    def test_a_few_are_listed(self, run, many):
        Path("articles/part-4.md").unlink()
        assert run("check", "articles", *BASE).out.count(f" {many} ") == 3

    def test_a_render_prints_what_check_does(self, run, many):
        ran = run("render", "articles", "public", *BASE)
        if many == "duplicate-id":
            assert ran.err.count("\n") == 1
            assert "articles/part-1.md:1: the id is that of articles/part-0.md" in ran.err
            assert "4 rejected" in ran.out
        else:
            assert ran.err == "4 warnings: run feedhub check articles to see them\n"
            assert "4 at the address of another" in ran.out

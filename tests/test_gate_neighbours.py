"""Keys near to those of the gate: nothing that may be meant to hide is published in silence."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.check import check
from feedhub.errors import ArticleError
from feedhub.site import source_of
from feedhub.sources import ReadOptions, ReadResult, open_source
from feedhub.sources.fields import normal_key
from feedhub.sources.gate_neighbours import NEIGHBOURS
from tests.kit import NOW, Bench, make_bench
from tests.readings import AUTHORITY, BASE, read_dated

ROOT = Path(__file__).parent.parent
# What front matter of public generators, themes and exporters holds and hides nothing, each with
# a value that it has there.
GOOD_KEYS = dict.fromkeys(
    """
    abstract accent_color access_key actions address aka album albums alert alias aliases all_day
    alternates amp ampWebUrl anchor announcement api appearance archetype archive area artist
    aside assignee asset_path assets attachments attribution audio audioUrl audio_url
    author_email author_profile author_url avatar award background background_image backlinks
    badge badges banner base_path bibliography bio blurb body_class book book_title bookmark
    brand breadcrumb breadcrumbs bundle buttons byline calendar callout canonical_link
    caption captions card cards cascade cdnAmpWebUrl changefreq changelog chapter character
    citation cite city class classes client closing_date code code_copy collection collections
    color colors column columns comment_id comment_status comments comments_count commit company
    components conference config contact container content contentType content_type contents
    contributors cookies copyright country course coverImage cover_image created createdAt
    created_at creation_date creator credit credits cssclass cssclasses css csl cta currency
    custom_css customer data dataset date_modified dates deadline deck decription_long demo
    department dependencies depth desc details difficulty dir direction disable_share disableToc
    disqus disqus_id doc_id docs document documentation doi download drafted_by dropcap due_date
    duedate edition edit_url editor editors email embed emoji enclosure end end_date enddate
    endDate engine entry episode estimate event eventDate events ext_js extends external
    external_link facebook family faq favicon feature features featured featuredAlt fields figure
    figures file filename files filter flags font footer footnotes for format formats frame
    from full_width fullwidth gallery genre geo gist github gitlab graph grid group groups
    guid handle has_children head header headings headline height hero heroAlt hide_comments
    hide_sidebar hide_table_of_contents hide_title highlight history homepage host hour how
    icon icons ids import in_reply_to index info ingredients instagram instructor intro isbn
    isCJKLanguage issue issn items job journal js jsonld katex kicker kind label labels
    last_modified_at last_update lastUpdated layout lead level levels license likes line link_title
    linkedin links listen local location logo longtitle macros mainfont map markup mastodon math
    mathjax maxdepth mediaType medium menu menus mermaid method minutes modDatetime modified_by
    mood moved moved_to multilingual name nav nav_order navbar navigation next nickname note
    notes number og_image oembed oldUrl online_url opengraph order organization origin original
    outline outputs overview owner pageClass page_id paginate pagination paper parent parents
    part participants pdf people period phone photo photos pin pinned place places platform
    player plugins podcast polished position post_id posts preview previous price prev priority
    process product profile progress project projects publication publications published_by
    published_in publishing pullquote question quote rank rate rated rating ratings readingTime
    reading_time recipe redirect redirect_from redirect_to redirects ref references region
    related_posts release released_version remote repo repository reviewed reviews rights role
    sass schema score screenshot script season section sections seo series service share show_date
    showToc showBreadcrumbs sidebar sidebar_label sidebar_position site size social sort
    sort_by sort_order source_url speaker speakers sponsor stage star start start_date startDate
    stats step steps sticky store story street style subject subtitle synopsis syndication
    tabs taglist tagline target team teaser template templateKey test text theme time timestamp
    titleTemplate toc toc_depth tool toot topic track transcript translation translationKey
    translator trailer tutorial twitter type uid unsplash update updates upvotes user username
    uuid value vendor venue version video videoId video_url videos view views volume warning
    weather weight width_full word_count wordCount wordpress_id wp_id year youtube youtube_id
    zoom state access workflow audience public live show display listed list render active
    """.split(),
    "A word",
) | {
    "sitemap": "false",
    "search": "false",
    "noindex": "true",
    "remote": "true",
    "moved": "true",
    "external": "true",
    "toc": "true",
    "comments": "false",
    "share": "false",
    "sidebar": "false",
    "featured": "false",
    "pinned": "false",
    "toc_hidden": "true",
    "toc_visible": "false",
    "comments_enabled": "false",
    "display_toc": "false",
    "show_date": "false",
    "feed": "/feed.xml",
    "layout": "post",
    "hide": "[navigation, toc]",
    "exclude": "[a, b]",
    "end_date": "2031-01-01",
    "due_date": "2031-01-01",
    "start_date": "2031-01-01",
    "eventDate": "2031-01-01",
    "release_date": "2031-01-01",
    "created_at": "2020-01-01",
    "published_at": "2020-01-01",
    "dates": "5 to 7 March",
    "comment_status": "closed",
    "ping_status": "closed",
    "update": "2031-01-01",
}
HIDING = """
publised: false
pubished: no
publihsed: 'false'
pub.lished: false
_published: false
drafts: true
draf: yes
dratf: "true"
is_draft: yes
Draft-: on
post_status: private
statuss: draft
remove: true
remvoed: true
is_removed: true
publish: false
private: true
hiden: true
hidden: true
unlisted: true
unlistd: true
dg-publish: false
exclude_from_feed: yes
feed: false
excludeFromCollections: true
visibility: private
visibility: members
visibility: Followers
password: '1234'
unpublished: true
wip: true
secret: on
access: members
state: draft
enabled: false
listed: no
embargo: 2031-01-01
published_at: 2031-01-01T00:00:00Z
publisedDateTime: 2031-01-01
publishDates: 2031-01-01
daet: 2031-01-01
expiryDat: 2031-01-01
expiryDat: 2021-01-01
expires: 2025-01-01
expiration_date: 1 May 2031
params: {draft: true}
params: {status: draft}
extra: {published: false}
meta: {hidden: true}
build: {list: never}
published: true\\npubli_shed: false
draft: false\\ndrafts: true
publised: flase
publishde: false
publisher: false
is_drat: yes
stats: draft
data: 2031-01-01
publié: no
feed: {exclude: true}
stage: wip
unpublish: 2020-01-01
deleted_at: 2020-01-01
""".strip().splitlines()


def state(matter: str, *, drafts: bool = False) -> str:
    """Return the state of an article of an earlier date, or `withdrawn` for a rejected one."""
    try:
        return read_dated(matter.replace("\\n", "\n"), drafts=drafts).state
    except ArticleError as error:
        return "withdrawn" if error.withdraws else "rejected"


@pytest.mark.parametrize("matter", HIDING)
def test_what_may_be_meant_to_hide_is_not_published(matter):
    assert state(matter) in ("withdrawn", "unpublished")


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [
        ("publised", "false", "published"),
        ("drafts", "true", "draft"),
        ("remvoed", "true", "removed"),
        ("statuss", "draft", "status"),
        ("publisedDateTime", "2031-01-01", "publishedDateTime"),
        ("published_at", "2031-01-01", "publishDate"),
        ("expires", "2031-01-01", "expiryDate"),
        ("visibility", "private", "published"),
        ("hiden", "true", "published"),
    ],
)
def test_the_message_names_the_key_and_the_name_to_write_but_not_the_value(key, value, instead):
    with pytest.raises(ArticleError, match=f"key {key} .* did you mean {instead}\\?") as caught:
        read_dated(f"{key}: {value}")
    assert (caught.value.code, caught.value.line) == ("hiding-key", 4)
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "matter",
    [
        *("hidden: false", "private: no", "unlisted: off", "wip: 0", "password:", "draft: false"),
        *("publish: true", "public: yes", "visibility: public", "visibility:", "hidden: ~"),
        *("publised: true", "drafts: false", "password: false", "params: {draft: false}"),
        *("params: {color: red}", "params: draft", "publisedDateTime: 2020-01-01", "rate: 2031"),
        *("published_at: 2020-01-01", "state: California", "craft: beer", "data: 2031"),
    ],
)
def test_a_value_that_hides_nothing_withdraws_nothing(matter):
    assert state(matter) == "shown"


@pytest.mark.parametrize("key", ["visibility", "statuss"])
def test_every_word_that_shows_or_hides(key):
    for word in "public published publish visible everyone all open live true yes on 1 y".split():
        assert state(f"{key}: {word}") == "shown", word
    for word in (
        "draft hidden skip pending private trash unlisted unpublished password protected members"
        " paid tiers secret internal scheduled queued queue embargoed removed deleted withdrawn"
        " false no off 0 n never"
    ).split():
        assert state(f"{key}: {word}") == "withdrawn", word


@pytest.mark.parametrize("value", ["1/2/31", "31.12.30", "'2031'", "soon 2031"])
def test_however_a_date_is_written_it_may_hide(value):
    assert state(f"embargo: {value}") == "withdrawn"


def test_nothing_is_read_of_a_file_that_is_hidden_already():
    assert state("published: false\nwip: true") == "unpublished"
    assert state("removed: true\nprivate: true") == "removed"


def test_a_preview_shows_what_other_systems_hide():
    assert state("unlisted: true", drafts=True) == "shown"
    assert state("publised: false", drafts=True) == "withdrawn"


def test_an_article_of_a_later_date_is_withdrawn_before_it():
    assert state("publishDate: 2031-01-01\nexpiryDat: 2032-01-01") == "withdrawn"
    assert state("publishDate: 2031-01-01\nprivate: true") == "unpublished"


@pytest.mark.parametrize(
    ("row", "key"), [(row, key) for row in NEIGHBOURS for key in row.keys.split()]
)
def test_every_row_of_the_table(row, key):
    values = {"any text": "x", "not public": "members", "draft, private ...": "private"}
    values |= {"a later date": "2031-01-01", "a date": "2031-01-01", "nothing": "true"}
    expected = {"hidden": "unpublished", "rejected": "withdrawn", "ignored": "shown"}[row.action]
    assert state(f"{key}: {values.get(row.hides, row.hides)}") == expected


def test_no_key_stands_in_two_rows():
    keys = [normal_key(key) for row in NEIGHBOURS for key in row.keys.split()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("values", [{}, dict.fromkeys(GOOD_KEYS, "2020-01-01")])
def test_good_keys_are_not_hit(values):
    assert len(GOOD_KEYS) > 300
    # Each by itself: of two that count as one, only the first would be read.
    hit = [
        key for key, value in (GOOD_KEYS | values).items() if state(f"{key}: {value}") != "shown"
    ]
    assert hit == []


@pytest.mark.parametrize(
    "folder",
    [
        "seeds",
        *(f"tests/sites/{name}" for name in "eleventy hugo-toml hugo-yaml jekyll pelican".split()),
    ],
)
def test_no_article_of_the_samples_is_hit(folder):
    source = open_source(ROOT / folder, ReadOptions(authority=AUTHORITY, base_url=BASE))
    results = [source.read(file.path, NOW) for file in source.scan()]
    codes = [problem.code for result in results for problem in result.problems]
    assert "hiding-key" not in codes


LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyzABC_-. 0éа")
GATE = {
    "published": "false",
    "removed": "true",
    "draft": "true",
    "eleventyExcludeFromCollections": "true",
    "status": "draft",
    "publishedDateTime": "2031-01-01",
    "publishDate": "2031-01-01",
    "pubDate": "2031-01-01",
    "date": "2031-01-01",
    "isDraft": "yes",
    "expiryDate": "2026-05-01",
    "unpublishDate": "2026-05-01",
}


@st.composite
def misspelt(draw: st.DrawFn) -> tuple[str, str]:
    """Return a key of the gate with one edit, and a value of it that hides."""
    key, value = draw(st.sampled_from(sorted(GATE.items())))
    word = list(key)
    at = draw(st.integers(0, len(word) - 1))
    edit = draw(st.sampled_from(["insert", "delete", "replace", "swap", "double", "case", "cut"]))
    if edit == "insert":
        word.insert(at, draw(LETTERS))
    elif edit in ("delete", "cut"):
        del word[at if edit == "delete" else -1]
    elif edit == "replace":
        word[at] = draw(LETTERS)
    elif edit == "swap" and at:
        word[at - 1 : at + 1] = word[at], word[at - 1]
    elif edit == "double":
        word.insert(at, word[at])
    else:
        word[at] = word[at].swapcase()
    return "".join(word), value


@given(misspelt(), st.booleans())
def test_no_misspelt_key_of_the_gate_publishes_in_silence(pair, quoted):
    key, value = pair
    text = f"'{key}': '{value}'" if quoted else f"{key}: {value}"
    try:
        result = read_dated(text)
    except ArticleError:
        return
    assert result.state != "shown", text


@given(misspelt(), st.sampled_from(["note: a: b", "x: [", "y: *a", "\tz: 1", "title: B"]))
def test_no_misspelt_key_in_a_broken_file_keeps_it_published(tmp_path_factory, pair, wrong):
    key, value = pair
    if re.fullmatch(r"[\w.-]+", key):
        text = f"---\ntitle: A\ndate: 2020-01-01\n{key}: {value}\n{wrong}\n---\n"
        assert read_file(tmp_path_factory.getbasetemp(), text.encode()).withdraws


def read_file(folder: Path, data: bytes) -> ReadResult:
    """Return what is read of a file of these bytes."""
    (folder / "a.md").write_bytes(data)
    return open_source(folder, ReadOptions(authority=AUTHORITY, base_url=BASE)).read("a.md", NOW)


def published_before(tmp_path: Path) -> tuple[Bench, Path]:
    """Return a bench that has published an article, and the file of that."""
    bench = make_bench(tmp_path)
    bench.write("b.md", title="Stays")
    path = bench.write("a.md", title="Was good")
    bench.sync()
    return bench, path


BROKEN = {
    "colon": "---\ntitle: A\n{line}\nnote: withdrawn: see lawyer\n---\nText\n",
    "bracket": "---\n{line}\nnote: [\n---\n",
    "indented": "---\ntitle: A\n {line}\n---\n",
    "toml": "+++\ntitle = A\n{toml}\n+++\n",
    "alias": "---\r\na: *b\r\n{line}\r\n---\r\n",
    "too large": "---\n{line}\n---\n" + "x" * 300_000,
    "never closed": "---\ntitle: A\n{line}",
    "blank first": "\n---\ntitle: A\n{line}\n---\n",
    "no fence": "title: A\n{line}\n",
    "comment first": "<!-- c -->\n---\ntitle: A\n{line}\n---\n",
    "conflict": "<<<<<<< HEAD\n---\ntitle: A\n{line}\n=======\n---\ntitle: A\n>>>>>>> b\n---\n",
    "doubled": "---\ntitle: A\ntitle: B\n{line}\n---\n",
}
PLAIN = ("blank first", "no fence", "comment first", "conflict")
LINES = (
    """
published: false|published : False|"published": false|'published': 'false'|published: no
removed: true|Removed: TRUE|draft: true|draft: yes # not yet|status: draft|status: "Private"
published: *shown|Draft: *d|publised: *x
publised: false|hidden: true|visibility: private|publish: false|drafts: true|published: !!bool false
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("line", LINES)
def test_a_broken_file_with_a_line_that_hides_is_withdrawn(tmp_path, kind, line):
    text = BROKEN[kind].format(line=line, toml=line.replace(":", " =", 1))
    result = read_file(tmp_path, text.encode())
    assert result.withdraws
    assert result.state == ("plain" if kind in PLAIN else "rejected")


@pytest.mark.parametrize(
    "matter", ["---\npublished： false\n---\n", "+++\nparams.draft = true\na\n+++\n"]
)
def test_a_line_that_hides_in_another_way_withdraws_too(tmp_path, matter):
    assert read_file(tmp_path, matter.encode()).withdraws


@pytest.mark.parametrize("kind", BROKEN)
def test_no_version_of_it_stays_in_a_feed(tmp_path, kind):
    bench, path = published_before(tmp_path)
    path.write_text(BROKEN[kind].format(line="removed: true", toml="removed = true"))
    bench.sync()
    assert bench.titles() == ["Stays"]


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_broken_file_in_another_coding_is_withdrawn(tmp_path, coding):
    bench, path = published_before(tmp_path)
    path.write_bytes("---\ntitle: Café\nremoved: true\n---\n".encode(coding))
    changes = bench.sync()
    assert bench.titles() == ["Stays"]
    assert "a line may hide the article" in changes.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: A\npublished: true\nnote: a: b\n---\ndraft: true\n",
        "---\ntitle: A\n# draft: true\nnote: a: b\n---\n",
        "<!-- c -->\n---\ntitle: A\n---\nA draft.\n\ndraft: true\n",
        "---\ntitle: A\ndraft: false\nnote: a: b\n---\n",
        "---\ntitle: A\nexpiryDate: 2031-01-01\npassword:\nnote: a: b\n---\n",
        "---\ntitle: A\npublished: tru",
        "---\ntitle: A\nstatus: publis",
        "---\ntitle: A\nvisibility: publi",
        "---\ntitle: A\nexpiryDate: 20",
        "---\ntitle: A\ntags: [draft, private\n---\n",
        "",
    ],
)
def test_every_other_broken_file_stays_and_the_message_says_of_when(tmp_path, text):
    bench, path = published_before(tmp_path)
    path.write_text(text)
    problem = bench.sync().problems[0]
    assert sorted(bench.titles()) == ["Stays", "Was good"]
    assert problem.message.endswith("; the version of 9 June 2020 stays published")


def test_a_broken_file_that_was_never_published_says_nothing_of_a_version(tmp_path):
    bench = make_bench(tmp_path)
    bench.write("a.md", "---\nnote: a: b\n---\n")
    assert "version" not in bench.sync().problems[0].message


def test_a_broken_file_of_many_keys_is_read_in_no_time(tmp_path):
    bench = make_bench(tmp_path)
    source = source_of(bench.root, bench.config)
    for text in (
        "---\n" + "".join(f"k{number}aft: 1\n" for number in range(9_000)) + "---\n",
        "---\n" + "'" * 200_000,
        "---\n" + "a:\n" * 80_000,
        "---\n" + "{" * 200_000,
        "---\n" + "draft:" + " " * 200_000,
    ):
        bench.write("a.md", text)
        before = time.process_time()
        source.read("a.md", NOW)
        assert time.process_time() - before < 3


def test_check_names_each_unknown_key_once_and_a_render_says_nothing(tmp_path):
    bench = make_bench(tmp_path)
    many: dict[str, Any] = {f"q{number}q": 1 for number in range(50)}
    bench.write("a.md", title="A", exerpt="x", publisher="P", zzz=1, **many)
    bench.write("b.md", title="B", exerpt="x")
    bench.write("c.md", title="C", exerpt="x", published=False)
    assert bench.sync().problems == ()
    other = make_bench(tmp_path)
    source = source_of(other.root, other.config, unknown_keys=True)
    problems = check(other.site, other.catalog, source, NOW)
    assert {problem.level for problem in problems} == {"info"}
    assert len(problems) == 11
    message = "the key exerpt is not known and ignored; did you mean excerpt?"
    assert [problem.message for problem in problems].count(message) == 2
    assert Path(problems[0].path).name == "a.md"

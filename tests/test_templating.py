"""Templates in bodies: nothing is filled in, and what they hide is never published."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.sources import ReadOptions
from feedhub.sources.reading import read_article
from feedhub.sources.templating import leave_out_hidden
from tests.kit import NOW
from tests.readings import BASE, article_of, problems_of, read_dated


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a{% comment %} b {% if %} {% endcomment %}c", "ac"),
        ("a{%- comment -%}b{%- endcomment -%}c", "ac"),
        ("{% if a %}b{% else %}c{% endif %}d", "d"),
        ("{% if a %}{% if b %}c{% endif %}d{% endif %}e", "e"),
        ("{% unless a %}b{% endunless %}{% case a %}{% when 1 %}b{% endcase %}c", "c"),
        ("{% capture x %}b\n\n```\nc\n```\n{% endcapture %}d", "d"),
        ("{% set x %}a{% endset %}{%~ macro m() %}b{%~ endmacro %}c", "c"),
        ("a{{% comment %}}b{{% /comment %}}c{{< comment >}}d{{< /comment >}}e", "ace"),
        ("a{::comment}\nb\n{:/comment}c{::comment}d{:/}e", "ace"),
        ("a{# b #}c{#d#}e", "ace"),
        ("a{{/* b */}}c{/* d */}e{{!-- f }} --}}g{{! h }}i", "acegi"),
        # What is never closed hides the rest.
        ("a{% comment %}b", "a"),
        ("a{% if x %}b{% endunless %}c", "a"),
        ("a{::comment}b", "a"),
        ("a{{< comment >}}b", "a"),
    ],
)
def test_what_a_template_hides_is_left_out(raw, shown):
    templated = leave_out_hidden(raw)
    assert templated.text == shown
    assert templated.hidden == (1 if raw.startswith("a") else 0)


@pytest.mark.parametrize(
    "raw",
    [
        "Use {{ .Title }} here; $\\frac{{a}}{{b}}$; printf {%d} %}",
        "<code>{{ user.name }}</code>\n\n    {{ indented }}",
        "{% include x %} {% for a in b %}c{% endfor %} {% raw %}{{ d }}{% endraw %}",
        "## A {#a}\n\n{: .class}\n{static} {::options x=1}",
        "`{% comment %}a{% endcomment %}` ``a ` {# b #}``",
        "```\n{% if x %}\n```\n~~~ liquid\n{# x #}\n```\n~~~~",
        "- a\n  ```\n  {# x #}\n  ```\n> ~~~\n> {# x #}\n> ~~~",
        "```\n{% comment %}a",
        "${#a[@]} {/* {{! {{/* {{!-- x",
        "{%comments%} {% ifx %}",
    ],
)
def test_all_other_text_stays(raw):
    templated = leave_out_hidden(raw)
    assert (templated.text, templated.hidden) == (raw, -1)


def test_a_tick_alone_protects_nothing():
    assert leave_out_hidden("` {# a #}\n\n`").text == "` \n\n`"
    assert leave_out_hidden("\\`{# a #}`").text == "\\``"


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("ab {{ x }}", 3),
        ("a {% x %} {{ y }}", 2),
        ("{{< figure src=x >}}", 0),
        ("{::options /}", 0),
        ("`{{ x }}`", -1),
        ("{ x }", -1),
        ("{# {{ x }} #}", -1),
    ],
)
def test_the_first_tag_is_found(raw, tag):
    assert leave_out_hidden(raw).tag == tag


def test_a_warning_has_the_line_of_what_is_left_out():
    result = read_dated("excerpt: S.", "a\n\nb {# secret #}\n")
    assert result.article is not None
    assert result.article.content_html == "<p>a</p>\n<p>b</p>"
    assert problems_of(result) == [(8, "warning", "template-block")]
    assert "secret" not in result.problems[0].message


def test_tags_are_worth_a_warning_only_where_a_generator_would_fill_them_in():
    body = "{{ x }}\n{% y %}"
    assert article_of(body=body).content_html == "<p>{{ x }}\n{% y %}</p>"
    result = read_dated("excerpt: S.", body, generator="Hugo")
    assert result.article is not None
    assert result.article.content_html == "<p>{{ x }}\n{% y %}</p>"
    assert problems_of(result) == [(6, "warning", "template-tag")]
    assert "Hugo" in result.problems[0].message


def test_lines_are_counted_in_toml_and_in_odd_yaml_too():
    for matter in (
        "+++\ntitle = 'T'\ndate = 2024-01-02\nsummary = 'S'\n+++ ",
        "---\ntitle: T\ndate: 2024-01-02\nsummary: S\n---",
        "---\ntitle: T\ndate: 2024-01-02\nsummary: S\n--- ",
    ):
        data = f"{matter}\n\n{{# x #}}".encode()
        options = ReadOptions(base_url=BASE)
        result = read_article("a.md", data, root="r", generator="", options=options, now=NOW)
        assert problems_of(result) == [(7, "warning", "template-block")]


HOSTILE = {
    "values": "{{" * 100_000,
    "tags": "{%" * 100_000,
    "conditions": "{% if %}" * 22_000,
    "closed conditions": "{% if %}" * 11_000 + "{% endif %}" * 11_000,
    "shortcodes": "{{< comment " * 20_000,
    "comments": "{#" * 100_000 + "{{!" * 66_000 + "{/*" * 66_000,
    "dashes": ("{% a" + "- " * 900 + "x%}") * 100,
    "ticks": "".join("`" * n + " " for n in range(630)),
    "two ticks": "` `` " * 40_000,
    "split ticks": "`\n\n" * 66_000,
    "fences": "```\n" * 50_000,
    "quotes": "> " * 100_000,
    "blanks": "{%" + " " * 200_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_takes_no_time(raw):
    start = time.process_time()
    leave_out_hidden(raw)
    assert time.process_time() - start < 6, (
        "half a second on an idle machine; with the square, minutes"
    )


SIGNS = "{{ }} {% %} {{< >}} {{% %}} if endif comment endcomment / {# #} {::comment} {:/} ` ``` ~~~"
PIECES = st.lists(st.sampled_from([*SIGNS.split(), "\n", "\n\n", "\\", "a", " ", "-"]), max_size=30)


@given(PIECES.map("".join))
def test_text_is_only_taken_away(raw):
    rest = iter(raw)
    assert all(sign in rest for sign in leave_out_hidden(raw).text)


@given(st.text())
def test_text_without_braces_is_untouched(text):
    plain = text.replace("{", "")
    assert leave_out_hidden(plain) == (plain, -1, -1)


@given(PIECES.map("".join))
def test_no_comment_is_published(raw):
    """Whatever stands before and after it, outside of code and other blocks."""
    before = raw.translate({ord(sign): None for sign in "`~{"})
    shown = leave_out_hidden(f"{before}{{% comment %}}SECRET{{% endcomment %}}{raw}").text
    assert "SECRET" not in shown

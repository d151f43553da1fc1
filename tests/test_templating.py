"""Templating left in Markdown: filled in where that is possible, taken out where it is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.sources.markup import markdown_body
from feedhub.sources.templating import strip_templating

BASE = "/blog"


@pytest.mark.parametrize(
    ("raw", "stripped"),
    [
        # Liquid
        ('a {% include x.html a="b" %}c', "a c"),
        ("{%- assign a = 1 -%}a{%endif%}", "a"),
        ("a{% comment %} b {% if %} {% endcomment %}c", "ac"),
        ("a{% raw %}{{ b }} {% c %} `{% endraw %}d", "a{{ b }} {% c %} `d"),
        ("{%- raw -%}{{ a }}{%- endraw -%}", "{{ a }}"),
        ("{% raw %}a {{ b }}", "a "),
        ("{% comment %}a", "a"),
        ("{% highlight ruby linenos %}\nx = 1\n{% endhighlight %}", "\n```ruby\nx = 1\n```\n"),
        ("{% highlight %}\n{{ x }}\n```\n{% endhighlight %}", "\n````\n{{ x }}\n```\n````\n"),
        ("{% highlight c++ %}x", "x"),
        ("[a]({% post_url 2020-01-01-x %})", "[a]()"),
        ("a {{ page.title }}b{{ content | strip }}", "a b"),
        ("{{ site.baseurl }}/x {{site.baseurl}} {{- site.baseurl -}}", "/blog/x /blog /blog"),
        ("{{ site.url }}{{ site.baseurl }}/x", "/blog/x"),
        ('![a]({{ "/i.png" | relative_url }})', "![a](/blog/i.png)"),
        ("{{ 'i.png' | absolute_url }}", "/blog/i.png"),
        ("{{ '/i.png' | url }} {{ '/i.png' | prepend: site.baseurl }}", "/blog/i.png /blog/i.png"),
        (
            "{{ 'https://h/i.png' | relative_url }} {{ '//h/i.png' | url }}",
            "https://h/i.png //h/i.png",
        ),
        ("{{ '#top' | relative_url }}", "#top"),
        ("{{ \"{%\" }} {{ '' }} {{ 'x' | upcase }}", "{%  x"),
        # Hugo
        ('{{< figure src="a.jpg" alt="t" title="q" caption="c" >}}', '![t](<a.jpg> "q")'),
        ('{{< figure src="a b.jpg" caption="c" >}}', '![c](<a b.jpg> "c")'),
        ("{{< figure src=a.jpg >}}", "![](<a.jpg>)"),
        (
            '{{< figure src="a.jpg" alt="[x] \\"y\\"" title="\\"z\\"" >}}',
            '![\\[x\\] "y"](<a.jpg> "\\"z\\"")',
        ),
        ('{{< figure alt="t" >}}', ""),
        ('{{< figure src="><b>" >}}', "![](<b>)"),
        ("{{< figure src=`a.jpg` alt=`b` >}}", "![b](<a.jpg>)"),
        ("{{< youtube OKPNjXh-6Vk >}}", "<https://www.youtube.com/watch?v=OKPNjXh-6Vk>"),
        (
            '{{< youtube id="OKPNjXh-6Vk" autoplay="true" >}}',
            "<https://www.youtube.com/watch?v=OKPNjXh-6Vk>",
        ),
        ("{{< vimeo 146022717 >}}", "<https://vimeo.com/146022717>"),
        ("{{< youtube '><script>' >}}", ""),
        ("{{< youtube >}}", ""),
        ('{{< highlight go "linenos=table" >}}\nx\n{{< /highlight >}}', "\n```go\nx\n```\n"),
        ("{{< highlight >}}x{{< / highlight >}}", "\n```\nx\n```\n"),
        ("{{< highlight go >}}x", "x"),
        (
            '[a]({{< ref "post/x.md" >}}) [b]({{< relref path="y.md" >}})',
            "[a](post/x.md) [b](y.md)",
        ),
        ("{{% notice tip %}}a **b**{{% /notice %}}", "a **b**"),
        ("{{< tweet user=a id=1 >}}a{{</* x */>}}b{{/* c */}}", "ab"),
        # kramdown
        ("![a](b){: .center}\n{:toc}\n{: #id .x}", "![a](b)\n\n"),
        ('a{: width="10"} b{:target="_blank"}', "a b"),
        ("{:ok, value} { .x }", "{:ok, value} { .x }"),
        # code stays
        ("`{{ x }}` ``a ` {% b %}``", "`{{ x }}` ``a ` {% b %}``"),
        ("```\n{{ x }}\n```\n{{ y }}z", "```\n{{ x }}\n```\nz"),
        ("~~~ liquid\n{% x %}\n```\n~~~~\n{% y %}z", "~~~ liquid\n{% x %}\n```\n~~~~\nz"),
        ("- a\n  ```\n  {{ x }}\n  ```\n{{ y }}", "- a\n  ```\n  {{ x }}\n  ```\n"),
        ("> ```\n> {{ x }}\n> ```\n", "> ```\n> {{ x }}\n> ```\n"),
        ("```\n{{ x }}", "```\n{{ x }}"),
        ("```a``` {{ x }}b", "```a``` b"),
        ("` {{ x }}\n\n`", "` \n\n`"),
        ("`` {{ x }} `", "``  `"),
        ("\\`{{ x }}`", "\\``"),
        # what is no tag
        ("{{ x", "{{ x"),
        ("{% x", "{% x"),
        ("{{< x", "{{< x"),
        ("{{% x", "{{% x"),
        ("{{" + "a" * 3_000 + "}}", "{{" + "a" * 3_000 + "}}"),
        ("\\{{ x }}", "\\{{ x }}"),
        ("a { b } c", "a { b } c"),
        ("", ""),
    ],
)
def test_templating(raw, stripped):
    assert strip_templating(raw, base_path=f"{BASE}/") == stripped


def test_without_a_base_path():
    raw = "{{ site.baseurl }}/a {{ '/b' | relative_url }} {{ 'c' | relative_url }}"
    assert strip_templating(raw) == "/a /b c"


def test_stripped_templating_is_valid_markdown():
    raw = (
        "{% highlight js %}\na < b\n{% endhighlight %}\n"
        '{{< figure src="/i.png" alt="a [b]" title="c \\"d\\"" >}}\n\n{{< youtube OKPNjXh-6Vk >}}'
    )
    body = markdown_body(strip_templating(raw), base="https://h/")
    assert body == (
        "<pre><code>a &lt; b\n</code></pre>\n"
        '<p><img src="https://h/i.png" alt="a [b]" title="c &quot;d&quot;"></p>\n'
        '<p><a href="https://www.youtube.com/watch?v=OKPNjXh-6Vk">'
        "https://www.youtube.com/watch?v=OKPNjXh-6Vk</a></p>"
    )


HOSTILE = {
    "values": "{{" * 100_000,
    "tags": "{%" * 100_000,
    "shortcodes": "{{<" * 70_000,
    "raw": "{% raw %}" * 22_000,
    "highlight": "{% highlight x %}" * 12_000,
    "hugo highlight": "{{< highlight >}}" * 12_000,
    "arguments": "{{< figure " + 'a="' * 66_000,
    "dashes": ("{% a" + "- " * 900 + "x%}") * 100,
    "literals": ('{{ "' + "-" * 1_900 + "}}") * 100,
    "backslashes": ('{{< figure a="' + "\\" * 1_900 + ">}}") * 100,
    "ticks": "".join("`" * n + " " for n in range(630)),
    "two ticks": "` `` " * 40_000,
    "split ticks": "`\n\n" * 66_000,
    "fences": "```\n" * 50_000,
    "quotes": "> " * 100_000,
    "kramdown": "{:." * 66_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_takes_no_time(raw):
    start = time.process_time()
    strip_templating(raw)
    assert time.process_time() - start < 6, (
        "half a second on an idle machine; with the square, minutes"
    )


PIECES = st.lists(
    st.sampled_from(
        [
            "{{",
            "}}",
            "{%",
            "%}",
            "{{<",
            ">}}",
            "{{%",
            "%}}",
            " raw ",
            "endraw",
            "highlight ",
            " endhighlight ",
            "/",
            "comment",
            "figure ",
            'src="a"',
            "`",
            "```",
            "\n",
            "\n\n",
            "~~~",
            "\\",
            "{:",
            ".x}",
            '"',
            "'",
            "|",
            " url ",
            "site.baseurl",
            "a",
            " ",
            "-",
        ]
    ),
    max_size=30,
).map("".join)


@given(PIECES)
def test_any_text_comes_through(raw):
    strip_templating(raw, base_path=BASE)


@given(st.text())
def test_text_without_braces_is_untouched(text):
    plain = text.replace("{", "")
    assert strip_templating(plain, base_path=BASE) == plain


@given(PIECES)
def test_code_is_untouched(raw):
    code = raw.replace("~", "")
    assert strip_templating(f"~~~\n{code}\n~~~\n") == f"~~~\n{code}\n~~~\n"

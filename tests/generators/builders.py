"""Build a site of the same posts with Hugo and Jekyll, and all the generators by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.generators.node_sites import astro, docusaurus, eleventy, hexo, hexo_next
from tests.generators.posts import (
    BASE,
    LANGUAGES,
    Source,
    body_of,
    installed,
    matter,
    run,
    write,
)
from tests.generators.python_sites import ablog, mkdocs, nikola, pelican, zensical

# A folder with a theme for Hugo, such as a clone of one: no package registry has them.
HUGO_THEME = os.environ.get("HUGO_THEME", "")


def hugo(folder: Path, posts: list[Source]) -> Path:
    """Build with Hugo and its own feeds, which have summaries; a hidden page is in no list."""
    theme = Path(HUGO_THEME)
    config = f'theme = "{theme.name}"\nthemesDir = "{theme.parent}"\n' if HUGO_THEME else ""
    write(
        folder / "hugo.toml",
        f'baseURL = "{BASE}/"\ntitle = "Blog"\nbuildFuture = true\n{config}'
        'disableKinds = ["taxonomy", "term", "section"]\ndefaultContentLanguage = "en"\n'
        '[languages.en]\nlanguageCode = "en"\nweight = 1\n'
        '[languages.de]\nlanguageCode = "de"\nweight = 2\n',
    )
    if not HUGO_THEME:
        feeds = '{{ range .AlternativeOutputFormats }}<link rel="alternate" '
        feeds += 'type="{{ .MediaType.Type }}" href="{{ .Permalink }}">{{ end }}'
        write(
            folder / "layouts/index.html",
            f'<!doctype html><html lang="{{{{ .Language.Lang }}}}"><head>{feeds}</head>'
            "<body>Home</body></html>",
        )
        write(
            folder / "layouts/_default/single.html",
            '<!doctype html><html lang="{{ .Language.Lang }}"><body><article>{{ .Content }}'
            "</article></body></html>",
        )
    write(folder / "layouts/shortcodes/component.html", "<em>What the component says.</em>")
    for post in posts:
        more = {"draft": "true"} if post.state == "draft" else {}
        more |= {"_build": "{list: never}"} if post.state == "hidden" else {}
        path = folder / f"content/posts/{post.name}.{post.language}.md"
        write(path, matter(post, **more) + body_of(post, "{{< component >}}"))
    run([installed("hugo"), "--quiet"], folder)
    return folder / "public"


def jekyll(folder: Path, posts: list[Source]) -> Path:
    """Build with Jekyll, its theme Minima and its plugin for a feed, one language after another."""
    for language in LANGUAGES:
        source = folder / language
        below = "" if language == "en" else f"/{language}"
        write(
            source / "_config.yml",
            f"title: Blog\nurl: {BASE}\nbaseurl: '{below}'\nlang: {language}\ntheme: minima\n"
            "plugins: [jekyll-feed]\nfuture: true\ntimezone: UTC\nfeed: {posts_limit: 100}\n"
            "keep_files: [de]\n",
        )
        write(source / "index.md", "---\nlayout: home\n---\n")
        write(source / "_includes/component.html", "<em>What the component says.</em>\n")
        for post in posts:
            if post.language == language:
                more = {"layout": "post"}
                more |= {"published": "false"} if post.state == "hidden" else {}
                place = "_drafts" if post.state == "draft" else "_posts"
                is_dated = post.state != "draft" and post.date
                name = f"{post.date[:10]}-{post.name}" if is_dated else post.name
                text = matter(post, **more) + body_of(post, "{% include component.html %}")
                write(source / place / f"{name}.md", text)
        options = ["-s", language, "-d", f"_site{below}", "--config", f"{language}/_config.yml"]
        run([installed("jekyll"), "build", "--quiet", *options], folder)
    return folder / "_site"


GENERATORS: dict[str, Callable[[Path, list[Source]], Path]] = {
    "pelican": pelican,
    "eleventy": eleventy,
    "hexo": hexo,
    "mkdocs": mkdocs,
    "hugo": hugo,
    "jekyll": jekyll,
    "nikola": nikola,
    "ablog": ablog,
    "docusaurus": docusaurus,
    "astro": astro,
    "hexo_next": hexo_next,
    "zensical": zensical,
}
FEEDS = {
    "pelican": ("feeds/all.atom.xml",),
    "eleventy": ("feed/feed.xml", "de/feed/feed.xml"),
    "hexo": ("atom.xml",),
    "mkdocs": ("feed_rss_created.xml", "de/feed_rss_created.xml"),
    "hugo": ("index.xml", "de/index.xml"),
    "jekyll": ("feed.xml", "de/feed.xml"),
    "nikola": ("rss.xml", "de/rss.xml"),
    "ablog": ("blog/atom.xml", "de/blog/atom.xml"),
    "docusaurus": ("blog/rss.xml", "de/blog/rss.xml"),
    "astro": ("rss.xml", "de/rss.xml"),
    "hexo_next": ("atom.xml",),
    "zensical": ("feed_rss.xml", "de/feed_rss.xml"),
}
# What a generator itself leaves out, or cannot do, and why: by the names of the posts.
LEFT_OUT = {
    "pelican": {
        "untitled": "reports the file as an error and leaves it out",
        "undated": "reports the file as an error and leaves it out",
    },
    "mkdocs": {"undated": "its blog aborts the build where a date is missing"},
    "hugo": {"undated": "its feed says that such a page is of the year 1, so it has no date"},
    "jekyll": {"undated": "a file in _posts without a date in its name is no post"},
    "nikola": {"undated": "it aborts the build where a date is missing"},
    "ablog": {
        "untitled": "it aborts the build where a title is missing",
        "undated": "a post without a date is a draft",
    },
    "docusaurus": {"undated": "it aborts the build where neither the file nor git says a date"},
    "zensical": {"undated": "a page without a date is in no feed"},
    "astro": {"undated": "the item has no date, and none is made up"},
}

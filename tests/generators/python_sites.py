"""Build a site of the same posts with Pelican, MkDocs Material, Nikola and ABlog."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.generators.posts import (
    BASE,
    COMPONENT,
    LANGUAGES,
    PYTHON,
    Source,
    body_of,
    matter,
    run,
    write,
)


def pelican(folder: Path, posts: list[Source]) -> Path:
    """Build with Pelican and its default theme; translations are in one feed with the originals.

    Hidden is one of its states.
    """
    write(
        folder / "pelicanconf.py",
        f'SITEURL="{BASE}"\nSITENAME="Blog"\nAUTHOR="Ann"\nTIMEZONE="UTC"\nDEFAULT_LANG="en"\n'
        'FEED_ALL_ATOM="feeds/all.atom.xml"\nPATH="content"\nWITH_FUTURE_DATES=True\n'
        "TRANSLATION_FEED_ATOM=None\nCATEGORY_FEED_ATOM=None\nAUTHOR_FEED_ATOM=None\n"
        'MARKDOWN={"extension_configs":{"markdown.extensions.footnotes":{}}}\n',
    )
    for post in posts:
        fields = {"Title": post.title, "Date": post.date, "Slug": post.name, "Lang": post.language}
        fields |= {"Status": post.state, "Tags": ", ".join(post.tags)}
        present = [(name, value) for name, value in fields.items() if value]
        path = folder / "content" / post.language / post.name
        if COMPONENT in post.body:  # a directive of reStructuredText
            head = "".join(f":{name.lower()}: {value}\n" for name, value in present[1:])
            title = f"{post.title}\n{'=' * len(post.title)}\n\n"
            text = body_of(post, ".. admonition:: Hint\n\n   What the component says.")
            write(path.with_suffix(".rst"), f"{title}{head}\n{text}\n")
        else:
            head = "".join(f"{name}: {value}\n" for name, value in present)
            write(path.with_name(f"{post.name}.md"), f"{head}\n{post.body}")
    run([PYTHON / "pelican", "content", "-s", "pelicanconf.py", "-q"], folder)
    return folder / "output"


def mkdocs(folder: Path, posts: list[Source]) -> Path:
    """Build with MkDocs Material, its blog and its RSS plugin, whose feeds have excerpts.

    A language is a project of its own, as Material's manual says.
    """
    for language in LANGUAGES:
        below = "" if language == "en" else f"{language}/"
        write(
            folder / f"{language}.yml",
            f"site_name: Blog\nsite_url: {BASE}/docs/{below}\ndocs_dir: docs/{language}\n"
            f"site_dir: site/{below}\ntheme: {{name: material, language: {language}}}\n"
            "markdown_extensions: [footnotes, admonition]\n"
            "plugins:\n  - blog:\n      draft: false\n"
            "  - rss:\n      match_path: blog/posts/.*\n      date_from_meta: {as_creation: date}\n"
            "      use_git: false\n      length: 1000\n",
        )
        docs = folder / "docs" / language
        write(docs / "index.md", "# Home\n")
        write(docs / "blog/index.md", "# Blog\n")
        for post in posts:
            if post.language == language and post.date:  # without one, the build is aborted
                more = {"draft": "true"} if post.state else {}
                text = body_of(post, '!!! note "Hint"\n    What the component says.')
                heading = f"# {post.title}\n\n" if post.title else ""
                write(docs / f"blog/posts/{post.name}.md", matter(post, **more) + heading + text)
        run([PYTHON / "mkdocs", "build", "--quiet", "-f", f"{language}.yml"], folder)
    return folder / "site"


def zensical(folder: Path, posts: list[Source]) -> Path:
    """Build with Zensical, which has no feed yet, and the companion that writes one.

    A page without a date is in no feed; a language is a project of its own.
    """
    for language in LANGUAGES:
        below = "" if language == "en" else f"{language}/"
        write(
            folder / f"{language}.toml",
            f'[project]\nsite_name = "Blog"\nsite_url = "{BASE}/{below}"\n'
            f'docs_dir = "docs/{language}"\nsite_dir = "site/{below}"\n'
            f'[project.theme]\nlanguage = "{language}"\n'
            "[project.markdown_extensions.admonition]\n[project.markdown_extensions.footnotes]\n",
        )
        docs = folder / "docs" / language
        write(docs / "index.md", "# Home\n")
        for post in posts:
            if post.language == language:
                more = {"draft": "true"} if post.state == "draft" else {}
                date = "" if post.state == "hidden" else post.date
                heading = f"# {post.title}\n\n" if post.title else ""
                text = body_of(post, '!!! note "Hint"\n    What the component says.')
                head = matter(replace(post, date=date), **more)
                write(docs / f"blog/{post.name}.md", head + heading + text)
        for command in (["zensical", "build"], ["zensical-feeds", "build"]):
            programs = PYTHON.parent / "zensical/bin"
            run([programs / command[0], command[1], "-f", f"{language}.toml"], folder)
    return folder / "site"


def nikola(folder: Path, posts: list[Source]) -> Path:
    """Build with Nikola in two languages; a private post is in no list, a draft is built too."""
    write(
        folder / "conf.py",
        f'BLOG_TITLE="Blog"\nBLOG_AUTHOR="Ann"\nSITE_URL="{BASE}/"\nBLOG_EMAIL="a@b.example"\n'
        'BLOG_DESCRIPTION=""\nDEFAULT_LANG="en"\nTRANSLATIONS={"en": "", "de": "./de"}\n'
        'TIMEZONE="UTC"\nPOSTS=(("posts/*.md", "posts", "post.tmpl"),)\nPAGES=()\n'
        'FUTURE_IS_NOW=True\nCOMPILERS={"markdown": (".md",)}\nFEED_TEASERS=False\n'
        'FEED_LENGTH=100\nMARKDOWN_EXTENSIONS=["markdown.extensions.footnotes"]\n'
        "GLOBAL_CONTEXT={}\n",
    )
    write(folder / "shortcodes/component.tmpl", "<em>What the component says.</em>\n")
    for post in [post for post in posts if post.date]:  # without one, the build is aborted
        fields = {"title": post.title, "slug": post.name, "tags": ", ".join(post.tags)}
        fields |= {"date": f"{post.date} UTC" if post.date else ""}
        fields |= {"status": {"draft": "draft", "hidden": "private"}.get(post.state, "")}
        head = "".join(f".. {key}: {value}\n" for key, value in fields.items() if value)
        suffix = ".md" if post.language == "en" else f".{post.language}.md"
        text = body_of(post, "{{% component %}}")
        write(folder / "posts" / f"{post.name}{suffix}", f"<!--\n{head}-->\n\n{text}\n")
    run([PYTHON / "nikola", "build", "--quiet"], folder)
    return folder / "output"


def ablog(folder: Path, posts: list[Source]) -> Path:
    """Build with ABlog and Sphinx, one language after the other.

    A post without a date is a draft, a page that is no post is in no feed.
    """
    for language in LANGUAGES:
        below = "" if language == "en" else f"/{language}"
        source = folder / language
        write(
            source / "conf.py",
            'project="Blog"\nauthor="Ann"\nextensions=["ablog"]\nhtml_theme="alabaster"\n'
            f'blog_title="Blog"\nblog_baseurl="{BASE}{below}"\nblog_feed_fulltext=True\n'
            f'language="{language}"\nblog_feed_length=None\ntemplates_path=[]\n'
            'post_date_format="%Y-%m-%d %H:%M:%S"\n',
        )
        write(source / "index.rst", "Home\n====\n\n.. postlist::\n")
        for post in posts:
            if post.language == language and post.title:  # without one, the build is aborted
                date = "" if post.state == "draft" else post.date
                tags = f"   :tags: {', '.join(post.tags)}\n" if post.tags else ""
                directive = f".. post:: {date}\n{tags}   :author: Ann\n\n"
                if post.state == "hidden":
                    directive = ":orphan:\n\n"
                title = f"{post.title}\n{'=' * 2 * len(post.title)}\n\n"
                text = as_rst(body_of(post, ".. note::\n\n   What the component says."))
                write(source / f"posts/{post.name}.rst", f"{directive}{title}{text}\n")
        options = ["-q", "-b", "html", "-d", f"trees/{language}"]
        run([PYTHON / "sphinx-build", *options, language, f"_website{below}"], folder)
    return folder / "_website"


def as_rst(markdown: str) -> str:
    """Return the little Markdown that the posts have as reStructuredText."""
    text = re.sub(r"!\[(.*?)\]\((.*?)\)", r"|pic|", markdown)
    text = re.sub(r"\[([^^\]]*)\]\((.*?)\)", r"`\1 <\2>`__", text)
    text = re.sub(r"\[\^1\]: (.*)", r".. [1] \1", text).replace("[^1]", " [1]_")
    text = re.sub(r"(?<!`)`([^`]+)`(?!`|_)", r"``\1``", text)
    return text + (
        "\n\n.. |pic| image:: https://pictures.example/pic.png" if "|pic|" in text else ""
    )

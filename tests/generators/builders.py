"""Build a site of the same posts with one generator after the other."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.generators.posts import (
    BASE,
    NODE,
    PYTHON,
    Source,
    installed,
    link_modules,
    matter,
    run,
    write,
)

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def pelican(folder: Path, posts: list[Source]) -> Path:
    """Build with Pelican; hidden is one of its states."""
    write(
        folder / "pelicanconf.py",
        f'SITEURL="{BASE}"\nSITENAME="Blog"\nAUTHOR="Ann"\nTIMEZONE="UTC"\nDEFAULT_LANG="en"\n'
        'FEED_ALL_ATOM="feeds/all.atom.xml"\nPATH="content"\nWITH_FUTURE_DATES=True\n'
        'MARKDOWN={"extension_configs":{"markdown.extensions.footnotes":{}}}\n',
    )
    for post in posts:
        status = f"Status: {post.state}\n" if post.state else ""
        tags = f"Tags: {', '.join(post.tags)}\n" if post.tags else ""
        head = f"Title: {post.title}\nDate: {post.date}\nSlug: {post.name}\n{status}{tags}\n"
        write(folder / "content" / f"{post.name}.md", head + post.body)
    run([PYTHON / "pelican", "content", "-s", "pelicanconf.py", "-q"], folder)
    return folder / "output"


def eleventy(folder: Path, posts: list[Source]) -> Path:
    """Build with Eleventy and its RSS plugin, a feed for each of two languages.

    A hidden page is in no collection.
    """
    write(folder / "package.json", '{"type": "module"}')
    link_modules(folder)
    plugins = "".join(
        f'  config.addPlugin(feedPlugin, {{type: "atom", outputPath: "/{place}feed.xml",\n'
        f'    inputPath: "feed-{language}.njk",\n'
        f'    collection: {{name: "{language}", limit: 0}}, metadata: {{language: "{language}",\n'
        f'    title: "Blog", base: "{BASE}/{place}", author: {{name: "Ann"}}}}}});\n'
        for language, place in (("en", ""), ("de", "de/"))
    )
    write(
        folder / "eleventy.config.js",
        'import { feedPlugin } from "@11ty/eleventy-plugin-rss";\n'
        "export default (config) => {\n" + plugins + "};\n",
    )
    write(
        folder / "_includes/base.html",
        '<!doctype html><html lang="{{ lang }}"><head><title>{{ title }}</title>'
        '<link rel="alternate" type="application/atom+xml" href="/{{ place }}feed.xml"></head>'
        "<body><main>{{ content }}</main></body></html>",
    )
    write(folder / "index.html", "---\nlayout: base.html\nlang: en\n---\nHome")
    german = "---\nlayout: base.html\nlang: de\nplace: de/\n---\nStart"
    write(folder / "de/index.html", german)
    for post in posts:
        if post.state == "draft":
            continue  # Eleventy has none: whoever wants them leaves the file out of the build
        language = "de" if post.name in ("post-1", "文章-é") else "en"
        more = {"layout": "base.html", "lang": language}
        more |= {"eleventyExcludeFromCollections": "true"} if post.state else {}
        date = f"{post.date}Z".replace(" ", "T")
        text = matter(replace(post, date=date, tags=(language,)), **more)
        write(folder / "posts" / f"{post.name}.md", text + post.body)
    run([NODE / "eleventy", "--quiet"], folder)
    return folder / "_site"


def hexo(folder: Path, posts: list[Source]) -> Path:
    """Build with Hexo and its feed; drafts lie in a folder of their own."""
    write(
        folder / "package.json",
        '{"name": "x", "version": "0.0.0", "hexo": {"version": ""}, "dependencies": '
        '{"hexo": "*", "hexo-generator-feed": "*", "hexo-generator-index": "*", '
        '"hexo-renderer-ejs": "*", "hexo-renderer-marked": "*"}}',
    )
    link_modules(folder)
    write(
        folder / "_config.yml",
        f"title: Blog\nauthor: Ann\nurl: {BASE}\nlanguage: en\ntimezone: UTC\nfuture: true\n"
        "theme: plain\npermalink: :year/:title/\nfeed:\n  enable: true\n  type: atom\n  limit: 0\n"
        "  path: atom.xml\n  content: true\nupdated_option: date\n",
    )
    page = '<!doctype html><html lang="en"><head><%- feed_tag("atom.xml") %></head><body>'
    write(folder / "themes/plain/layout/index.ejs", f"{page}Home</body></html>")
    write(
        folder / "themes/plain/layout/post.ejs",
        f"{page}<article><%- page.content %></article></body></html>",
    )
    for post in posts:
        place = "_drafts" if post.state else "_posts"
        write(folder / "source" / place / f"{post.name}.md", matter(post) + post.body)
    run([NODE / "hexo", "generate", "--silent"], folder)
    return folder / "public"


def mkdocs(folder: Path, posts: list[Source]) -> Path:
    """Build with MkDocs Material, its blog and its RSS plugin, whose feeds have excerpts."""
    write(
        folder / "mkdocs.yml",
        f"site_name: Blog\nsite_url: {BASE}/docs/\ntheme: {{name: material}}\n"
        "markdown_extensions: [footnotes]\nplugins:\n  - blog:\n      draft: false\n"
        "  - rss:\n      match_path: blog/posts/.*\n      date_from_meta: {as_creation: date}\n"
        "      use_git: false\n      length: 1000\n",
    )
    write(folder / "docs/index.md", "# Home\n")
    write(folder / "docs/blog/index.md", "# Blog\n")
    for post in posts:
        more = {"draft": "true"} if post.state else {}
        write(
            folder / "docs/blog/posts" / f"{post.name}.md",
            matter(post, **more) + f"# {post.title}\n\n{post.body}",
        )
    run([PYTHON / "mkdocs", "build", "--quiet"], folder)
    return folder / "site"


def hugo(folder: Path, posts: list[Source]) -> Path:
    """Build with Hugo and its own feed, which has summaries; a hidden page is in no list."""
    write(
        folder / "hugo.toml",
        f'baseURL = "{BASE}/"\ntitle = "Blog"\nlanguageCode = "en"\nbuildFuture = true\n'
        'disableKinds = ["taxonomy", "term", "section"]\nenableInlineShortcodes = false\n',
    )
    feed = '{{ range .AlternativeOutputFormats }}<link rel="alternate" type="{{ .MediaType.Type }}"'
    write(
        folder / "layouts/index.html",
        f'<!doctype html><html lang="en"><head>{feed} href="{{{{ .Permalink }}}}">{{{{ end }}}}'
        "</head><body>Home</body></html>",
    )
    write(
        folder / "layouts/_default/single.html",
        '<!doctype html><html lang="en"><body><article>{{ .Content }}</article></body></html>',
    )
    for post in posts:
        more = {"draft": "true"} if post.state == "draft" else {}
        more |= {"_build": "{list: never}"} if post.state == "hidden" else {}
        write(folder / "content/posts" / f"{post.name}.md", matter(post, **more) + post.body)
    run([installed("hugo"), "--quiet"], folder)
    return folder / "public"


def jekyll(folder: Path, posts: list[Source]) -> Path:
    """Build with Jekyll, its theme Minima and its plugin for a feed."""
    write(
        folder / "_config.yml",
        f"title: Blog\nurl: {BASE}\nlang: en\ntheme: minima\nplugins: [jekyll-feed]\n"
        "future: true\ntimezone: UTC\nfeed: {posts_limit: 100}\n",
    )
    write(folder / "index.md", "---\nlayout: home\n---\n")
    for post in posts:
        more = {"layout": "post"} | ({"published": "false"} if post.state == "hidden" else {})
        place = "_drafts" if post.state == "draft" else "_posts"
        name = post.name if post.state == "draft" else f"{post.date[:10]}-{post.name}"
        write(folder / place / f"{name}.md", matter(post, **more) + post.body)
    run([installed("jekyll"), "build", "--quiet"], folder)
    return folder / "_site"


def nikola(folder: Path, posts: list[Source]) -> Path:
    """Build with Nikola; a private post is in no list, a draft is built too."""
    write(
        folder / "conf.py",
        f'BLOG_TITLE="Blog"\nBLOG_AUTHOR="Ann"\nSITE_URL="{BASE}/"\nBLOG_EMAIL="a@b.example"\n'
        'BLOG_DESCRIPTION=""\nDEFAULT_LANG="en"\nTRANSLATIONS={"en": ""}\nTIMEZONE="UTC"\n'
        'POSTS=(("posts/*.md", "posts", "post.tmpl"),)\nPAGES=()\nFUTURE_IS_NOW=True\n'
        'COMPILERS={"markdown": (".md",)}\nFEED_TEASERS=False\nFEED_LENGTH=100\n'
        'MARKDOWN_EXTENSIONS=["markdown.extensions.footnotes"]\nGLOBAL_CONTEXT={}\n',
    )
    for post in posts:
        fields = {"title": post.title, "slug": post.name, "date": f"{post.date} UTC"}
        fields |= {"tags": ", ".join(post.tags)} if post.tags else {}
        states = {"draft": "draft", "hidden": "private"}
        fields |= {"status": states[post.state]} if post.state else {}
        head = "".join(f".. {key}: {value}\n" for key, value in fields.items())
        write(folder / "posts" / f"{post.name}.md", f"<!--\n{head}-->\n\n{post.body}\n")
    run([PYTHON / "nikola", "build", "--quiet"], folder)
    return folder / "output"


def ablog(folder: Path, posts: list[Source]) -> Path:
    """Build with ABlog and Sphinx; a post without a date is a draft, a page without one is none."""
    write(
        folder / "conf.py",
        'project="Blog"\nauthor="Ann"\nextensions=["ablog"]\nhtml_theme="alabaster"\n'
        f'blog_title="Blog"\nblog_baseurl="{BASE}"\nblog_feed_fulltext=True\nlanguage="en"\n'
        'blog_feed_length=None\npost_date_format="%Y-%m-%d %H:%M:%S"\ntemplates_path=[]\n',
    )
    write(folder / "index.rst", "Home\n====\n\n.. postlist::\n")
    for post in posts:
        date = "" if post.state == "draft" else post.date
        directive = f".. post:: {date}\n   :tags: {', '.join(post.tags)}\n   :author: Ann\n\n"
        if post.state == "hidden":
            directive = ":orphan:\n\n"
        title = f"{post.title}\n{'=' * 2 * len(post.title)}\n\n"
        write(folder / "posts" / f"{post.name}.rst", directive + title + as_rst(post.body) + "\n")
    run([PYTHON / "sphinx-build", "-q", "-b", "html", ".", "_website"], folder)
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


def docusaurus(folder: Path, posts: list[Source]) -> Path:
    """Build with Docusaurus; a hidden post is one of its unlisted ones."""
    link_modules(folder)
    write(folder / "package.json", '{"name": "x", "private": true}')
    write(
        folder / "docusaurus.config.js",
        f'module.exports = {{title: "Blog", url: "{BASE}", baseUrl: "/",\n'
        '  onBrokenLinks: "ignore", markdown: {format: "md"},\n'
        '  presets: [["classic", {docs: false, theme: {}, blog: {\n'
        '    blogSidebarCount: 0, showReadingTime: false, onUntruncatedBlogPosts: "ignore",\n'
        '    feedOptions: {type: ["rss", "atom"], limit: null}}}]]};\n',
    )
    write(folder / "src/pages/index.md", "# Home\n")
    (folder / "blog").mkdir(exist_ok=True)
    (folder / "blog/pic.png").write_bytes(PIXEL)
    for post in posts:
        more = {"draft": "true"} if post.state == "draft" else {}
        more |= {"unlisted": "true"} if post.state == "hidden" else {}
        date = f"{post.date}Z".replace(" ", "T")
        text = matter(replace(post, date=date), **more) + post.body
        write(folder / "blog" / f"{post.name}.md", text)
    run([NODE / "docusaurus", "build"], folder)
    return folder / "build"


def astro(folder: Path, posts: list[Source]) -> Path:
    """Build with Astro and its RSS package; which posts are listed is up to the site's own code."""
    link_modules(folder)
    write(folder / "package.json", '{"name": "x", "type": "module", "private": true}')
    write(folder / "astro.config.mjs", f'export default {{site: "{BASE}"}};\n')
    write(
        folder / "src/posts.js",
        'const found = Object.values(import.meta.glob("./posts/*.md", {eager: true}));\n'
        'export const built = found.filter((post) => post.frontmatter.state !== "draft");\n'
        "export const listed = built.filter((post) => !post.frontmatter.state);\n"
        'export const nameOf = (post) => post.file.split("/").pop().slice(0, -3);\n',
    )
    write(
        folder / "src/pages/index.astro",
        '<html lang="en"><head><link rel="alternate" type="application/rss+xml" href="/rss.xml">'
        "</head><body>Home</body></html>",
    )
    write(
        folder / "src/pages/posts/[name].astro",
        '---\nimport { built, nameOf } from "../../posts.js";\n'
        "export const getStaticPaths = () =>\n"
        "  built.map((post) => ({params: {name: nameOf(post)}, props: {post}}));\n"
        "const { Content } = Astro.props.post;\n---\n"
        '<html lang="en"><body><article><Content /></article></body></html>',
    )
    write(
        folder / "src/pages/rss.xml.js",
        'import rss from "@astrojs/rss";\nimport { listed, nameOf } from "../posts.js";\n'
        "const itemOf = async (post) => ({\n"
        "  title: post.frontmatter.title, pubDate: new Date(post.frontmatter.date),\n"
        "  link: `/posts/${nameOf(post)}/`, categories: post.frontmatter.tags,\n"
        "  content: await post.compiledContent()});\n"
        'export const GET = async (context) => rss({title: "Blog", description: "Blog",\n'
        "  site: context.site, items: await Promise.all(listed.map(itemOf))});\n",
    )
    (folder / "src/posts").mkdir(exist_ok=True)
    (folder / "src/posts/pic.png").write_bytes(PIXEL)
    for post in posts:
        more = {"state": post.state} if post.state else {}
        date = f"{post.date}Z".replace(" ", "T")
        body = post.body.replace("(pic.png)", "(https://pictures.example/pic.png)")
        write(
            folder / "src/posts" / f"{post.name}.md",
            matter(replace(post, date=date), **more) + body,
        )
    run([NODE / "astro", "build", "--silent"], folder)
    return folder / "dist"


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
}
FEEDS = {
    "pelican": ("feeds/all.atom.xml",),
    "eleventy": ("feed.xml", "de/feed.xml"),
    "hexo": ("atom.xml",),
    "mkdocs": ("feed_rss_created.xml",),
    "hugo": ("index.xml",),
    "jekyll": ("feed.xml",),
    "nikola": ("rss.xml",),
    "ablog": ("blog/atom.xml",),
    "docusaurus": ("blog/rss.xml",),
    "astro": ("rss.xml",),
}

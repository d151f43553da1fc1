"""Build a site of the same posts with Eleventy, Hexo, Docusaurus and Astro."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.generators.posts import (
    BASE,
    COMPONENT,
    LANGUAGES,
    NODE,
    PIXEL,
    Source,
    body_of,
    link_modules,
    matter,
    run,
    write,
)

# The layouts of eleventy-base-blog, shorter: each build writes other bytes into each page.
BASE_LAYOUT = """<!doctype html>
<html lang="{{ lang }}">
<head><meta charset="utf-8"><title>{{ title or "Blog" }}</title>
<meta name="description" content="{{ description or "A blog" }}">
<link rel="alternate" href="/{{ place }}feed/feed.xml" type="application/atom+xml" title="Blog">
</head>
<body><a href="#main" id="skip-link" class="visually-hidden">Skip to main content</a>
<header><a href="/" class="home-link">Blog</a>
<nav><h2 class="visually-hidden">Top level navigation menu</h2>
<ul class="nav"><li class="nav-item"><a href="/">Home</a></li></ul></nav></header>
<main id="main"><heading-anchors>{{ content | safe }}</heading-anchors></main>
<footer><p>
<em>Built with <a href="https://www.11ty.dev/">{{ eleventy.generator }}</a></em></p></footer>
<!-- This page `{{ page.url }}` was built on {% currentBuildDate %} -->
</body></html>
"""
POST_LAYOUT = """---
layout: base.njk
---
<h1>{{ title }}</h1>
<ul class="post-metadata">
<li><time datetime="{{ page.date.toISOString() }}">{{ page.date }}</time></li>
{%- for tag in tags %}
<li><a href="/tags/{{ tag | slugify }}/" class="post-tag">{{ tag }}</a></li>{% endfor %}
</ul>
{{ content | safe }}
{%- set previousPost = collections[lang] | getPreviousCollectionItem %}
{%- if previousPost %}<ul class="links-nextprev"><li class="links-nextprev-prev">← Previous<br>
<a href="{{ previousPost.url }}">{{ previousPost.data.title }}</a></li></ul>{% endif %}
"""


def eleventy(folder: Path, posts: list[Source]) -> Path:
    """Build with Eleventy, the layouts of its base blog and its RSS plugin, a feed a language.

    A hidden page is in no collection.
    """
    write(folder / "package.json", '{"type": "module"}')
    link_modules(folder)
    plugins = "".join(
        f'  config.addPlugin(feedPlugin, {{type: "atom", outputPath: "/{place}feed/feed.xml",\n'
        f'    inputPath: "feed-{language}.njk",\n'
        f'    collection: {{name: "{language}", limit: 0}}, metadata: {{language: "{language}",\n'
        f'    title: "Blog", base: "{BASE}/{place}", author: {{name: "Ann"}}}}}});\n'
        for language, place in (("en", ""), ("de", "de/"))
    )
    write(
        folder / "eleventy.config.js",
        'import { feedPlugin } from "@11ty/eleventy-plugin-rss";\n'
        "export default (config) => {\n"
        '  config.addPreprocessor("drafts", "*", (data) => data.draft ? false : undefined);\n'
        '  config.addShortcode("currentBuildDate", () => new Date().toISOString());\n'
        '  config.addShortcode("component", () => "<em>What the component says.</em>");\n'
        f"{plugins}}};\n"
        'export const config = {markdownTemplateEngine: "njk"};\n',
    )
    write(folder / "_includes/base.njk", BASE_LAYOUT)
    write(folder / "_includes/post.njk", POST_LAYOUT)
    write(folder / "index.md", "---\nlayout: base.njk\nlang: en\n---\nHome")
    write(folder / "de/index.md", "---\nlayout: base.njk\nlang: de\nplace: de/\n---\nStart")
    for post in posts:
        place = "" if post.language == "en" else f"{post.language}/"
        more = {"layout": "post.njk", "lang": post.language, "place": place}
        more |= {"eleventyExcludeFromCollections": "true"} if post.state == "hidden" else {}
        more |= {"draft": "true"} if post.state == "draft" else {}
        date = f"{post.date}Z".replace(" ", "T") if post.date else ""
        text = matter(replace(post, date=date, tags=(post.language, *post.tags)), **more)
        path = folder / place / "blog" / f"{post.name}.md"
        write(path, text + body_of(post, "{% component %}"))
    run([NODE / "eleventy", "--quiet"], folder)
    return folder / "_site"


def hexo(folder: Path, posts: list[Source], theme: str = "landscape") -> Path:
    """Build with Hexo, its theme and its feed of both languages; drafts have their own folder."""
    write(
        folder / "package.json",
        '{"name": "x", "version": "0.0.0", "hexo": {"version": ""}, "dependencies": '
        '{"hexo": "*", "hexo-generator-feed": "*", "hexo-generator-index": "*", '
        '"hexo-renderer-ejs": "*", "hexo-renderer-marked": "*"}}',
    )
    link_modules(folder)
    write(
        folder / "_config.yml",
        f"title: Blog\nauthor: Ann\nurl: {BASE}\nlanguage: [en, de]\ntimezone: UTC\nfuture: true\n"
        f"theme: {theme}\npermalink: :lang/:title/\nnew_post_name: :lang/:title.md\nfeed:\n"
        "  enable: true\n  type: atom\n  limit: 0\n  path: atom.xml\n  content: true\n"
        "updated_option: date\n",
    )
    for post in posts:
        place = "_drafts" if post.state else "_posts"
        text = body_of(post, "{% blockquote %}\nWhat the component says.\n{% endblockquote %}")
        path = folder / "source" / place / post.language / f"{post.name}.md"
        write(path, matter(post, lang=post.language) + text)
    run([NODE / "hexo", "generate", "--silent"], folder)
    return folder / "public"


def hexo_next(folder: Path, posts: list[Source]) -> Path:
    """Build with Hexo and its most used theme."""
    return hexo(folder, posts, "next")


def docusaurus(folder: Path, posts: list[Source]) -> Path:
    """Build with Docusaurus and its classic theme in two languages; hidden ones are unlisted."""
    link_modules(folder)
    write(folder / "package.json", '{"name": "x", "private": true}')
    write(
        folder / "docusaurus.config.js",
        f'module.exports = {{title: "Blog", url: "{BASE}", baseUrl: "/",\n'
        '  onBrokenLinks: "ignore", markdown: {format: "detect"},\n'
        '  i18n: {defaultLocale: "en", locales: ["en", "de"]},\n'
        '  presets: [["classic", {docs: false, theme: {}, blog: {\n'
        '    blogSidebarCount: 0, showReadingTime: false, onUntruncatedBlogPosts: "ignore",\n'
        '    feedOptions: {type: ["rss", "atom"], limit: null}}}]]};\n',
    )
    write(folder / "src/pages/index.md", "# Home\n")
    write(
        folder / "src/component.js",
        "export default () => <em>What the component says.</em>;\n",
    )
    for post in [post for post in posts if post.date]:  # without one it asks git, and aborts
        blog = folder / "blog"
        if post.language != "en":
            blog = folder / "i18n" / post.language / "docusaurus-plugin-content-blog"
        blog.mkdir(parents=True, exist_ok=True)
        (blog / "pic.png").write_bytes(PIXEL)
        more = {"draft": "true"} if post.state == "draft" else {}
        more |= {"unlisted": "true"} if post.state == "hidden" else {}
        date = f"{post.date}Z".replace(" ", "T") if post.date else ""
        text = matter(replace(post, date=date), **more)
        if COMPONENT in post.body:
            text += 'import Component from "@site/src/component";\n\n'
        suffix = "mdx" if COMPONENT in post.body else "md"
        write(blog / f"{post.name}.{suffix}", text + body_of(post, "<Component />"))
    run([NODE / "docusaurus", "build"], folder)
    return folder / "build"


# The layout of Astro's blog starter, shorter.
ASTRO_LAYOUT = """---
const { title, date, lang } = Astro.props;
const day = date && new Date(date);
---
<html lang={lang}>
<head><meta charset="utf-8"><title>{title}</title>
<link rel="canonical" href={new URL(Astro.url.pathname, Astro.site)}>
<link rel="alternate" type="application/rss+xml" title="Blog"
href={lang == "en" ? "/rss.xml" : "/de/rss.xml"}>
</head>
<body><header><nav><h2><a href="/">Blog</a></h2></nav></header>
<main><article><div class="hero-image"></div><div class="prose"><div class="title">
<div class="date">{day && <time datetime={day.toISOString()}>{day.toDateString()}</time>}</div>
<h1>{title}</h1><hr></div>
<slot /></div></article></main><footer>&copy; Your name here.</footer></body></html>
"""


def astro(folder: Path, posts: list[Source]) -> Path:
    """Build with Astro, the layout of its blog starter, MDX and its RSS package.

    Which posts are listed is up to the site's own code.
    """
    link_modules(folder)
    write(folder / "package.json", '{"name": "x", "type": "module", "private": true}')
    write(
        folder / "astro.config.mjs",
        'import mdx from "@astrojs/mdx";\n'
        f'export default {{site: "{BASE}", integrations: [mdx()]}};\n',
    )
    write(folder / "src/Component.astro", "<em>What the component says.</em>\n")
    write(folder / "src/BlogPost.astro", ASTRO_LAYOUT)
    write(
        folder / "src/posts.js",
        'const found = Object.values(import.meta.glob("./posts/*/*.{md,mdx}", {eager: true}));\n'
        'export const built = found.filter((post) => post.frontmatter.state !== "draft");\n'
        "export const listed = built.filter((post) => !post.frontmatter.state);\n"
        'export const nameOf = (post) => post.file.split("/").pop().replace(/\\.mdx?$/, "");\n',
    )
    for language in LANGUAGES:
        place = "" if language == "en" else f"{language}/"
        up = "../" * (1 + place.count("/"))
        pages = folder / "src/pages" / place
        write(
            pages / "index.astro",
            f'---\nimport BlogPost from "{up}BlogPost.astro";\n---\n'
            f'<BlogPost title="Blog" lang="{language}">Home</BlogPost>',
        )
        write(
            pages / "blog/[slug].astro",
            f'---\nimport {{ built, nameOf }} from "{up}../posts.js";\n'
            f'import BlogPost from "{up}../BlogPost.astro";\n'
            "export const getStaticPaths = () =>\n"
            f'  built.filter((post) => post.frontmatter.lang == "{language}")\n'
            "  .map((post) => ({params: {slug: nameOf(post)}, props: {post}}));\n"
            "const { Content, frontmatter } = Astro.props.post;\n---\n"
            "<BlogPost {...frontmatter}><Content /></BlogPost>",
        )
        write(
            pages / "rss.xml.js",
            f'import rss from "@astrojs/rss";\nimport {{ listed, nameOf }} from "{up}posts.js";\n'
            "const itemOf = async (post) => ({\n"
            "  title: post.frontmatter.title, description: post.frontmatter.description,\n"
            "  pubDate: post.frontmatter.date && new Date(post.frontmatter.date),\n"
            f"  link: `/{place}blog/${{nameOf(post)}}/`, categories: post.frontmatter.tags,\n"
            "  content: post.compiledContent && await post.compiledContent()});\n"
            f'const own = listed.filter((post) => post.frontmatter.lang == "{language}");\n'
            'export const GET = async (context) => rss({title: "Blog", description: "Blog",\n'
            f"  customData: `<language>{language}</language>`,\n"
            "  site: context.site, items: await Promise.all(own.map(itemOf))});\n",
        )
    for post in posts:
        more = {"lang": post.language, "description": post.word}
        more |= {"state": post.state} if post.state else {}
        date = f"{post.date}Z".replace(" ", "T") if post.date else ""
        text = matter(replace(post, date=date), **more)
        if COMPONENT in post.body:
            text += 'import Component from "../../Component.astro";\n\n'
        body = post.body.replace("(pic.png)", "(https://pictures.example/pic.png)")
        suffix = "mdx" if COMPONENT in post.body else "md"
        path = folder / "src/posts" / post.language / f"{post.name}.{suffix}"
        write(path, text + body.replace(COMPONENT, "<Component />"))
    run([NODE / "astro", "build", "--silent"], folder)
    return folder / "dist"

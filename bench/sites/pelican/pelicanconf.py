"""Pelican by its own means: the newest 50 of the whole, of every tag and category, RSS and Atom."""

SITENAME = "feedhub"
SITEURL = FEED_DOMAIN = "https://feeds.example.org"
TIMEZONE = "UTC"
DEFAULT_LANG = "en"
FEED_MAX_ITEMS = 50
RSS_FEED_SUMMARY_ONLY = False
FEED_ALL_RSS, FEED_ALL_ATOM = "all.rss", "all.atom"
TAG_FEED_RSS, TAG_FEED_ATOM = "topics/{slug}.rss", "topics/{slug}.atom"
CATEGORY_FEED_RSS, CATEGORY_FEED_ATOM = "providers/{slug}.rss", "providers/{slug}.atom"
AUTHOR_FEED_RSS = AUTHOR_FEED_ATOM = TRANSLATION_FEED_ATOM = None
SLUGIFY_SOURCE = "basename"
# The articles that were read are cached for the next run.
CACHE_CONTENT = LOAD_CONTENT_CACHE = True
# No pages, as in all generators that can do without.
ARTICLE_SAVE_AS = TAG_SAVE_AS = CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = ""
DIRECT_TEMPLATES: list[str] = []
THEME_STATIC_PATHS: list[str] = []
STATIC_PATHS: list[str] = []

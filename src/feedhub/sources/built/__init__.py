"""The source that is a site as a generator has built it: its own feed is the index.

Addresses, languages, templates and drafts are settled there, so no rule of a generator is guessed.
`folder` opens files, `discovery` finds the feeds, `entries` joins each entry with its page, `pages`
reads pages, `articles` makes articles, `source` is the Source. `archive` finds older pages by the
`rules` that the entries teach, `additions` reads what feeds have no place for.
"""

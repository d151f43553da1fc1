"""The configuration as the values that other modules need: channel, source, selections."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from feedhub.catalog import Catalog, StoredConfig
from feedhub.config import Config, CustomConfig, PodcastConfig
from feedhub.config.rules import COPY
from feedhub.errors import CatalogError, ConfigError, did_you_mean
from feedhub.feed import Channel, Podcast
from feedhub.fingerprint import fingerprint, named_values
from feedhub.formats import FORMATS, PAGE, WRITERS
from feedhub.messages import translation_digest
from feedhub.sources import BuiltOptions, ReadOptions, Source, open_source
from feedhub.sources.adopted_ids import NONE_ADOPTED, read_adopted_ids
from feedhub.sources.assets import COPIES

if TYPE_CHECKING:
    from feedhub.selection import NamedSelection  # most configurations have none


def config_of_catalog(catalog: Catalog) -> Config:
    """Return the configuration that a catalog was made with; raises CatalogError."""
    try:
        return msgspec.json.decode(catalog.read(StoredConfig).json, type=Config)
    except msgspec.DecodeError:
        raise CatalogError("the catalog does not say how it was made: run feedhub sync") from None


def named_selection(custom: CustomConfig) -> NamedSelection:
    """Return a selection of the configuration; raises ConfigError."""
    from feedhub import selection  # most configurations have none

    values = {name: getattr(custom, name) for name in CustomConfig.__slots__}
    quality = values["min_quality"]
    lists = {name: value for name, value in values.items() if isinstance(value, tuple)}
    single = {
        "all": "1" if custom.all else "",
        "min_quality": f"{quality:.6f}" if quality else "",
        "since": custom.since,
        "q": custom.q,
    }
    try:
        chosen = selection.make_selection(lists | {name: [text] for name, text in single.items()})
    except selection.SelectionError as error:
        raise ConfigError(f"feeds.custom.{error.name} of {custom.name!r} {error.why}") from None
    return selection.NamedSelection(
        name=custom.name, title=custom.title or custom.name, selection=chosen
    )


def channel_of(config: Config, *, drafts: bool = False) -> Channel:
    """Return the texts and addresses that all feeds of the site share."""
    site = config.site
    return Channel(
        base_url=site.base_url,
        authority=site.authority,
        title=site.title,
        home_page_url=f"{site.base_url}/",
        description=site.description,
        language=site.language,
        copyright=site.copyright,
        icon=site.icon,
        logo=site.logo,
        ttl=max(1, config.http.max_age // 60),
        drafts=drafts,
        stories=story_suffix(config) if config.feeds.stories == "yes" else "",
        hub="" if drafts else config.websub.hub,
        podcasts=tuple(map(podcast_of, config.feeds.podcast)),
    )


def podcast_of(podcast: PodcastConfig) -> Podcast:
    """Return what a feed says as a podcast."""
    pairs = [name.partition(" > ") for name in podcast.category]
    return Podcast(
        path=podcast.name,
        author=podcast.author,
        email=podcast.email,
        categories=tuple((name, part) for name, _, part in pairs),
        image=podcast.image,
        explicit=podcast.explicit,
        kind=podcast.type,
        guid=podcast.guid,
        locked=podcast.locked,
    )


def shape_of(channel: Channel, *, pages: bool, languages: bool) -> str:
    """Return the fingerprint of what documents are made with besides the articles.

    `languages` tells whether feeds say the languages of their entries. The channel's `links` are
    not part of it: only pages have them, whose fingerprint is another.
    """
    values = named_values(
        base_url=channel.base_url,
        authority=channel.authority,
        title=channel.title,
        home_page_url=channel.home_page_url,
        description=channel.description,
        language=channel.language,
        messages=translation_digest(channel.language),
        copyright=channel.copyright,
        icon=channel.icon,
        logo=channel.logo,
        ttl=channel.ttl,
        drafts=channel.drafts,
        stories=channel.stories,
        hub=channel.hub,
        podcasts=[
            named_values(
                path=podcast.path,
                author=podcast.author,
                email=podcast.email,
                categories=podcast.categories,
                image=podcast.image,
                explicit=podcast.explicit,
                kind=podcast.kind,
                guid=podcast.guid,
                locked=podcast.locked,
            )
            for podcast in channel.podcasts
        ],
    )
    return fingerprint(WRITERS, values, pages, languages)


def story_suffix(config: Config) -> str:
    """Return the ending of a story's address in an entry: that of a page, else of a feed."""
    names = config.feeds.formats
    if PAGE.name in names:
        return "/"
    return next((FORMATS[name].suffix for name in names if name != "json"), ".json")


def source_of(
    address: str | Path, config: Config, *, drafts: bool = False, unknown_keys: bool = False
) -> Source:
    """Return the source at `address`, read as the configuration says."""
    copies = config.source.assets == COPY
    assets = f"{config.site.base_url}/{COPIES}" if copies else config.source.assets
    options = ReadOptions(
        authority=config.site.authority,
        collection=config.source.collection,
        base_url=config.source.base_url,
        permalinks=(("", config.source.permalink), *config.source.folder_permalinks),
        zone=ZoneInfo(config.source.timezone),
        ignore=config.source.ignore,
        drafts=drafts,
        unknown_keys=unknown_keys,
        kind=config.source.kind,
        assets=f"{assets}/" if assets else "",
        copies=copies,
        adopted=read_adopted_ids(Path(config.source.ids)) if config.source.ids else NONE_ADOPTED,
        built=BuiltOptions(
            feed=config.source.feed,
            content=config.source.content,
            article=config.source.article,
            remove=config.source.remove,
            date=config.source.date,
            exclude=config.source.exclude,
            archive=config.source.archive,
            languages=config.source.languages,
        ),
    )
    return open_source(address, options)


def check_names(names: tuple[str, ...], table: Collection[str], key: str) -> tuple[str, ...]:
    """Return the names if the table has them all; raises ConfigError, which names the key."""
    for name in names:
        if name not in table:
            hint = did_you_mean(name, table) or f"; choose from {', '.join(table)}"
            raise ConfigError(f"{key}: {name!r} is not known{hint}")
    return names

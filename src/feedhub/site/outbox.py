"""The outbox of a sync: what receivers of changes must be told of, queued in its transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from feedhub.catalog import AddressChanges, AddressWatch, Catalog, Changes, SyncState
from feedhub.catalog.queue import FEED_RECEIVERS
from feedhub.config import Config
from feedhub.site.cache_tags import SITE_TAG, changed_names
from feedhub.sources.assets import COPIES

INDEXNOW = "indexnow"
PURGE = "purge"
WEBHOOK = "webhook"


class Outbox:
    """Fills the queues of the receivers that a configuration names; a preview has none."""

    def __init__(self, catalog: Catalog, config: Config, *, drafts: bool) -> None:
        self._catalog = catalog
        self._receivers = () if drafts else config.receivers
        self._webhooks = [hook.name for hook in config.notify.webhook if self._receivers]
        # The addresses below it are announced to search engines.
        self._announced = ""
        if INDEXNOW in self._receivers:
            self._announced = config.key_location.rpartition("/")[0] + "/"

    def watch(self) -> AddressWatch | None:
        """Note from now on, inside the transaction of a sync, what `enqueue` must know."""
        return self._catalog.watch_addresses() if self._announced or self._webhooks else None

    def enqueue(
        self,
        watch: AddressWatch | None,
        before: SyncState,
        paths: Callable[[], Sequence[str]],
        now: int,
    ) -> None:
        """Queue what a sync changed; it is released when its bytes can be fetched.

        `before` is the state before the sync; `paths` returns those of the documents of changed
        feeds.
        """
        self._catalog.clear_changes_of_others(self._receivers)
        for receiver in self._receivers:
            if receiver in FEED_RECEIVERS:
                queue = self._catalog.changes(receiver)
                queue.enqueue(paths(), self._catalog.generation(), now)
        if watch is None:
            return
        state = self._catalog.read(SyncState)
        changes = watch.changes(silent=state.source_signature != before.source_signature)
        # Into an empty catalog, or one of drafts, all is new.
        if before.published and not before.private:
            self._enqueue_addresses(changes, state, now)
            self._enqueue_messages(changes, paths(), now)

    def enqueue_purges(
        self, before: SyncState, changes: Changes, indexes: Sequence[str], now: int, *, pages: bool
    ) -> None:
        """Queue the cache tags of what a sync changed, for a cache to drop.

        `indexes` are the paths of the lists that changed; `pages` tells whether links between pages
        moved. What a new catalog, or one with other settings, has changed is not known: everything.
        """
        if PURGE not in self._receivers:
            return
        state = self._catalog.read(SyncState)
        new = not before.generation or before.private
        if new or state.settings_fingerprint != before.settings_fingerprint:
            names = [SITE_TAG]
        else:
            searches = state.generation != before.generation
            names = changed_names(changes.changed_states, indexes, pages=pages, searches=searches)
        self._catalog.changes(PURGE).enqueue(names, state.generation, now)

    def enqueue_copies(self, gone: Iterable[str], now: int) -> None:
        """Queue the cache tags of copies that no published article shows any more."""
        if PURGE in self._receivers:
            names = [f"{COPIES}/{place}" for place in gone]
            self._catalog.changes(PURGE).enqueue(names, self._catalog.generation(), now)

    def _enqueue_messages(self, changes: AddressChanges, paths: Iterable[str], now: int) -> None:
        """Queue changed feeds and articles for each webhook.

        What is withdrawn before a webhook was told of it is not told at all.
        """
        queue, generation = self._catalog.changes(WEBHOOK), self._catalog.generation()
        feeds = dict.fromkeys(path.rpartition(".")[0] for path in paths)
        for name in self._webhooks:
            new = {url: f"{name} new {url}" for url in changes.new}
            queue.enqueue(new.values(), generation, now, new=True)
            withdrawn = {f"{name} new {url}": url for url in changes.withdrawn}
            forgotten = queue.forget_new(withdrawn)
            told = [url for path, url in withdrawn.items() if path not in forgotten]
            queue.enqueue(
                [
                    *(f"{name} feed {path}" for path in feeds),
                    *(f"{name} changed {url}" for url in sorted(changes.edited)),
                    *(f"{name} withdrawn {url}" for url in sorted(told)),
                ],
                generation,
                now,
            )

    def _enqueue_addresses(self, changes: AddressChanges, state: SyncState, now: int) -> None:
        """Queue the addresses of changed articles for search engines, if any are told."""
        if not self._announced:
            return
        queue = self._catalog.changes(INDEXNOW)
        new, edited, withdrawn = map(self.announced, changes)
        queue.enqueue(new, state.revision, now, new=True)
        forgotten = queue.forget_new(withdrawn)
        told = (url for url in withdrawn if url not in forgotten)
        queue.enqueue([*edited, *told], state.revision, now)

    def announced(self, urls: Iterable[str]) -> list[str]:
        """Return those of the addresses of articles that search engines are told of, in order."""
        prefix = self._announced
        return sorted(url for url in urls if prefix and url.startswith(prefix))

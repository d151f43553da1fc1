// Reads feeds as feedsmith and rss-parser read them; prints one JSON array for the Python tests.
// Paths come as arguments, or one a line on standard input. What a reader does not tell is null.

import { readFileSync } from 'node:fs'
import { parseFeed } from 'feedsmith'
import Parser from 'rss-parser'

const date = (text) => (text ? new Date(text).toISOString() : null)
const alternate = (links = []) => links.find((link) => (link.rel ?? 'alternate') === 'alternate')
const enclosed = (found) => (found ? { url: found.url ?? found.href, type: found.type ?? null } : null)

const feedsmithItem = {
  rss: (item) => ({
    id: item.guid?.value ?? null,
    title: item.title ?? null,
    link: item.link ?? null,
    published: date(item.pubDate),
    updated: date(item.atom?.updated),
    content: item.content?.encoded ?? null,
    summary: item.description ?? null,
    tags: (item.categories ?? []).map((category) => category.name),
    enclosure: enclosed(item.enclosures?.[0]),
  }),
  atom: (entry) => ({
    id: entry.id ?? null,
    title: entry.title?.value ?? null,
    link: alternate(entry.links)?.href ?? null,
    published: date(entry.published),
    updated: date(entry.updated),
    content: entry.content?.value ?? null,
    summary: entry.summary?.value ?? null,
    tags: (entry.categories ?? []).map((category) => category.label ?? category.term),
    enclosure: enclosed(entry.links?.find((link) => link.rel === 'enclosure')),
  }),
  json: (item) => ({
    id: item.id ?? null,
    title: item.title ?? null,
    link: item.url ?? null,
    published: date(item.date_published),
    updated: date(item.date_modified),
    content: item.content_html ?? item.content_text ?? null,
    summary: item.summary ?? null,
    tags: item.tags ?? [],
    enclosure: enclosed(
      item.attachments?.[0] && { url: item.attachments[0].url, type: item.attachments[0].mime_type },
    ),
  }),
}

function withFeedsmith(text) {
  const { format, feed } = parseFeed(text)
  const items = (feed.items ?? feed.entries ?? []).map(feedsmithItem[format])
  return { format, title: feed.title?.value ?? feed.title ?? null, items }
}

async function withRssParser(text, format) {
  const feed = await new Parser().parseString(text)
  const items = feed.items.map((item) => ({
    id: item.guid ?? item.id ?? null,
    title: item.title ?? null,
    link: item.link ?? null,
    published: date(item.isoDate),
    updated: null,
    content: item['content:encoded'] ?? item.content ?? null,
    summary: item.summary ?? (format === 'rss' ? item.content : null) ?? null,
    tags: item.categories ?? null,
    enclosure: enclosed(item.enclosure),
  }))
  return { format, title: feed.title ?? null, items }
}

async function read(path) {
  const text = readFileSync(path, 'utf8')
  const first = withFeedsmith(text)
  const readings = [{ path, parser: 'feedsmith', ...first }]
  if (first.format !== 'json') {
    readings.push({ path, parser: 'rss-parser', ...(await withRssParser(text, first.format)) })
  }
  return readings
}

const given = process.argv.slice(2)
const paths = given.length > 0 ? given : readFileSync(0, 'utf8').split('\n').filter(Boolean)
const readings = []
for (const path of paths) {
  try {
    readings.push(...(await read(path)))
  } catch (error) {
    readings.push({ path, error: `${error.name}: ${error.message}` })
  }
}
process.stdout.write(JSON.stringify(readings))

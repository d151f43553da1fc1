// Polls feeds as a small reader does: keeps validators, sends them, parses what comes with feedsmith or rss-parser.
// Arguments: the parser's name and addresses. Polls once for each line on standard input and answers with a line, the
// JSON array of { url, status, items } for the Python tests; items is null where nothing was sent.

import { createInterface } from 'node:readline'
import { parseFeed } from 'feedsmith'
import Parser from 'rss-parser'

const read = {
  feedsmith: (text) => {
    const { feed } = parseFeed(text)
    return (feed.items ?? feed.entries ?? []).map((item) => ({
      id: item.guid?.value ?? item.id,
      title: item.title?.value ?? item.title,
      content: item.content?.encoded ?? item.content?.value ?? item.content_html,
    }))
  },
  'rss-parser': async (text) => {
    const feed = await new Parser().parseString(text)
    return feed.items.map((item) => ({
      id: item.guid ?? item.id,
      title: item.title,
      content: item['content:encoded'] ?? item.content,
    }))
  },
}

const [parser, ...urls] = process.argv.slice(2)
const kept = {}

async function poll(url) {
  const response = await fetch(url, { headers: kept[url] ?? {} })
  const text = await response.text()
  if (response.status !== 200) return { url, status: response.status, items: null }
  kept[url] = {
    'If-None-Match': response.headers.get('etag'),
    'If-Modified-Since': response.headers.get('last-modified'),
  }
  return { url, status: 200, items: await read[parser](text) }
}

for await (const _ of createInterface({ input: process.stdin })) {
  const polled = []
  for (const url of urls) polled.push(await poll(url))
  console.log(JSON.stringify(polled))
}

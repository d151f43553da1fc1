// The official RSS plugin, configured once for each feed: it writes RSS, Atom and JSON Feed. The names
// of the collections are in feeds.json, because the plugin finds no feeds by itself. Pages cannot be
// switched off: without its page an article has no URL.
import { readFileSync } from "node:fs";
import { feedPlugin } from "@11ty/eleventy-plugin-rss";

const feeds = JSON.parse(readFileSync(new URL("feeds.json", import.meta.url), "utf8"));

export default function (config) {
  for (const [path, collection] of Object.entries(feeds)) {
    for (const type of ["rss", "atom", "json"]) {
      config.addPlugin(feedPlugin, {
        type,
        outputPath: `/${path}.${type}`,
        inputPath: `feed-${collection}-${type}.njk`,
        collection: { name: collection, limit: 50 },
        metadata: {
          language: "en",
          title: "feedhub",
          subtitle: path,
          base: "https://feeds.example.org/",
          author: { name: "feedhub" },
        },
      });
    }
  }
  return { htmlTemplateEngine: false };
}

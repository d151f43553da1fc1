// A browser looks at texts of articles: `node bodies.mjs CHROMIUM FILE`.
//
// FILE is JSON: `hostile`, lists of fragments, each list one document; `posts`, each with the
// `content` of a feed, the author's `text`, its `kind`, markdown or html, and perhaps the `page`.
// Prints as JSON, for each list what a reader must not let happen, and for each post the words,
// pictures and links of both.
import { readFileSync } from "node:fs";
import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";
import { chromium } from "playwright-core";

const [program, file] = process.argv.slice(2);
const { hostile, posts } = JSON.parse(readFileSync(file, "utf-8"));
const HOME = "https://h.example/blog/post";

const whole = (body) => `<!doctype html><meta charset=utf-8><title>t</title><body>${body}</body>`;
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });

const page = await browser.newPage();
let complaints = [];
let body = "";
await page.exposeFunction("ran", (what) => complaints.push(`a script called ${what}`));
await page.addInitScript(() => {
  for (const name of ["alert", "confirm", "prompt", "open", "print"]) {
    globalThis[name] = () => globalThis.ran(name);
  }
});
page.on("pageerror", (error) => complaints.push(`a script failed: ${error.message}`));
page.on("popup", (popup) => complaints.push(`a window opened: ${popup.url()}`));
page.on("framenavigated", (frame) => {
  if (frame.url() !== HOME) complaints.push(`a frame went to ${frame.url()}`);
});
await page.route("**/*", (route) => {
  const request = route.request();
  if (request.url() === HOME) {
    return route.fulfill({ contentType: "text/html; charset=utf-8", body: whole(body) });
  }
  if (!["image", "media"].includes(request.resourceType())) {
    complaints.push(`a request of the type ${request.resourceType()}: ${request.url()}`);
  }
  return route.abort();
});

function show(html) {
  body = html;
  return page.goto(HOME);
}

// Runs in the page: what no fragment may hold, and whether each stayed in its own section.
function inspect(count) {
  const found = [];
  const forbidden = new Set(
    ("applet base button embed form frame frameset iframe input link math meta noscript object " +
      "portal script select slot style svg template textarea title fencedframe").split(" "),
  );
  const dangerous = /^(on|xlink|xmlns|style$|srcdoc$|srcset$|form|action$|ping$|is$|name$|class$|target$|background$)/;
  const schemes = { href: /^(https?|mailto|tel):/, src: /^https?:/, poster: /^https?:/, cite: /^https?:/ };
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (forbidden.has(element.localName)) found.push(`<${element.localName}>`);
      if (element.namespaceURI !== "http://www.w3.org/1999/xhtml") found.push("another language");
      for (const { name, value } of element.attributes) {
        if (dangerous.test(name)) found.push(`${element.localName} ${name}`);
        if (name === "id" && !/^r[0-9a-f]{8}-/.test(value)) found.push(`an id of the page: ${value}`);
        if (name in schemes && !value.startsWith("#") && !schemes[name].test(element[name])) {
          found.push(`${element.localName} ${name}=${value}`);
        }
      }
    }
  };
  const sections = [...document.body.children];
  if (sections.length !== count) found.push(`${sections.length} sections instead of ${count}`);
  sections.forEach((section) => {
    look(section);
    // A reader that writes what it parsed and parses that again, as many do, gets nothing new.
    const again = document.createElement("section");
    again.innerHTML = section.innerHTML;
    if (again.innerHTML !== section.innerHTML) found.push(`read twice: ${section.innerHTML}`);
    look(again);
  });
  return found;
}

async function attack(fragments) {
  complaints = [];
  await show(fragments.map((fragment) => `<section>${fragment}</section>`).join(""));
  return [...(await page.evaluate(inspect, fragments.length)), ...complaints];
}

// Runs in the page: the words that it shows, the pictures and the addresses of links.
function read() {
  const home = document.URL;
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  return {
    words: document.body.innerText.split(/\s+/u).filter(Boolean),
    pictures: [...document.images].filter(seen).map((image) => image.src),
    links: [...document.links]
      .filter((link) => seen(link) && link.innerText.trim() + link.querySelectorAll("img").length)
      .map((link) => (link.getAttribute("href").startsWith("#") ? `${home}#` : link.href)),
  };
}

async function compare({ content, kind, text, page: own }) {
  const dangers = { allowDangerousHtml: true, allowDangerousProtocol: true };
  const extensions = { extensions: [gfm()], htmlExtensions: [gfmHtml()] };
  const rendered = kind === "markdown" ? micromark(text, { ...dangers, ...extensions }) : text;
  await show(content);
  const found = await page.evaluate(read);
  await show(own ?? rendered);
  return { content: found, page: await page.evaluate(read) };
}

const result = { hostile: [], posts: [] };
for (const fragments of hostile) result.hostile.push(await attack(fragments));
for (const post of posts) result.posts.push(await compare(post));
await browser.close();
console.log(JSON.stringify(result));

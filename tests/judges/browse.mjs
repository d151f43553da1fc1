// A browser looks at the pages of a running server:
// `node browse.mjs CHROMIUM BASE FEED [FOLDER [LANGUAGE]]`.
//
// BASE ends with a slash, FEED is the path of a feed's page. Prints what it saw as JSON, and
// leaves pictures of the pages in FOLDER. Of a site in another LANGUAGE it looks at three pages and
// does nothing else. Pictures of articles are made up: nothing is asked of any host but the server.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [program, base, feed, folder, language] = process.argv.slice(2);
const origin = new URL(base).origin;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const seen = { complaints: [], strangers: [], pictures: 0, violations: [], wide: [], small: [] };
const picture = (hue) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 10" preserveAspectRatio="xMidYMid slice">` +
  `<rect width="16" height="10" fill="hsl(${hue} 45% 82%)"/><circle cx="5" cy="3" r="1.2" fill="hsl(${hue} 80% 93%)"/>` +
  `<path d="M0 7 5 4l3 2.500 3-1.800L16 8v2H0z" fill="hsl(${hue} 30% 52%)"/><path d="M0 8.500 6 6l5 2 2-1 3 1.500V10H0z" fill="hsl(${hue} 35% 34%)"/></svg>`;
// The pages to look at: the front, a list, a feed and the sheet to follow it, a month, a story, the
// page that combines feeds, searches with and without results, and the page that is not there.
const everyPage = [
  ["front", ""],
  ["kind", "topics/"],
  ["feed", feed],
  ["sheet", feed, "[popovertarget=follow]"],
  ["month", "all/2020-06/"],
  ["story", "story"],
  ["combine", "combine/"],
  ["search", "search/?q=day"],
  ["nothing", "search/?q=hapened"],
  ["lost", "no/such/page"],
];
const translated = ["front", "sheet", "search"];
const pages = everyPage
  .filter(([name]) => !language || translated.includes(name))
  .map(([name, ...rest]) => [language ? `${language}-${name}` : name, ...rest]);

function watch(page) {
  page.on("console", (message) => {
    // A page that is not there is one of those to look at.
    if (message.location().url.endsWith("/no/such/page")) return;
    if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  return page.route("**/*", (route) => {
    const request = route.request();
    if (new URL(request.url()).origin === origin) return route.continue();
    if (request.resourceType() !== "image") {
      seen.strangers.push(request.url());
      return route.abort();
    }
    if (request.headers().referer) seen.strangers.push(`${request.url()} learns who asks`);
    const hue = [...request.url()].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 360, 7);
    seen.pictures += 1;
    return route.fulfill({ contentType: "image/svg+xml", body: picture(hue) });
  });
}

// A story has an address that only the page of a feed knows.
async function open(page, path) {
  if (path !== "story") return page.goto(base + path);
  await page.goto(base + feed);
  return page.goto(await page.locator("details a[href*='/stories/']").first().getAttribute("href"));
}

async function look(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 0) seen.wide.push(`${name}: ${over} px`);
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

// The page's own policy lets no other script in, so axe comes in as the debugger, not as a script.
async function judge(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const { id, nodes } of found.violations) {
    seen.violations.push(`${name}: ${id} at ${nodes.map((node) => node.target).join(", ")}`);
  }
  seen.passes = (seen.passes ?? 0) + found.passes.length;
}

async function everySize(browser) {
  const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
  for (const [size, viewport] of Object.entries(sizes)) {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    await watch(page);
    for (const [name, path, button] of pages) {
      await open(page, path);
      if (button) await page.locator(button).first().click();
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await look(page, `${name}-${size}-${colorScheme}`);
        // Each size and each colour scheme once: axe takes longer than all the rest.
        if ((size === "phone") === (colorScheme === "dark")) {
          await judge(page, `${name}-${size}-${colorScheme}`);
        }
        seen[colorScheme] = await page.evaluate(
          () => getComputedStyle(document.body).backgroundColor,
        );
      }
    }
    await context.close();
  }
  const narrow = await browser.newContext({ viewport: { width: 320, height: 640 } });
  const page = await narrow.newPage();
  await watch(page);
  for (const [name, path, button] of pages) {
    await open(page, path);
    if (button) await page.locator(button).first().click();
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) seen.wide.push(`${name} on a narrow screen: ${over} px`);
  }
  await narrow.close();
}

async function use(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  const page = await context.newPage();
  await watch(page);
  await page.goto(base);
  seen.alternates = await page
    .locator("link[rel=alternate]")
    .evaluateAll((links) => links.map((link) => [link.title, link.type, link.href]));
  await page.locator("[popovertarget=follow]").first().click();
  seen.sheet = await page.locator("#follow").isVisible();
  await page.locator("[data-copy]").first().click();
  await page.locator("[data-copy]", { hasText: "Copied" }).waitFor();
  seen.copied = await page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press("Escape");
  seen.closed = !(await page.locator("#follow").isVisible());
  await page.keyboard.press("/");
  await page.keyboard.type("hapened");
  await Promise.all([page.waitForURL(/q=hapened/), page.keyboard.press("Enter")]);
  seen.near = await page.locator(".empty a").allTextContents();
  await Promise.all([page.waitForURL(/q=happened/), page.locator(".empty a").first().click()]);
  seen.marked = await page.locator("mark").first().textContent();
  // What a person types into the address bar, or follows from elsewhere.
  await page.goto(`${base}all.rss`);
  seen.led = [page.url(), await page.locator("#follow").isVisible()];
  await page.goto(base + feed);
  await page.keyboard.press("Tab");
  seen.first = await page.evaluate(() => document.activeElement.textContent);
  await page.locator("main details summary:visible").first().click();
  seen.related = await page.locator("main .item details[open] li a").allTextContents();
  for (const path of ["", feed, "combine/", "all/2020-06/"]) {
    await page.goto(base + path);
    const boxes = page.locator("a:visible, button:visible, input:visible, summary:visible");
    const small = await boxes.evaluateAll((all) =>
      all
        .map((one) => (one.matches("label input") ? one.closest("label") : one))
        .filter((one) => one.getBoundingClientRect().height < 24 && !one.closest(".skip"))
        .map((one) => one.textContent),
    );
    seen.small.push(...small.map((text) => `${path}: ${text}`));
  }
  await context.close();
}

// Topics and publishers are found and ticked on a page of their own; the search can be changed.
async function combine(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await watch(page);
  await page.goto(base);
  const link = page.locator("main a[href$='/combine/']");
  if (await link.count()) {
    await link.click();
    const shown = () => page.locator(".boxes li:visible bdi").allTextContents();
    seen.all = await shown();
    await page.locator("#find").fill("cafe CREME");
    seen.filtered = await shown();
    seen.told = await page.locator(".find p").textContent();
    seen.groups = await page.locator(".group:visible h2").allTextContents();
    await page.locator("#find").fill("no such thing");
    seen.nothing = [await shown(), await page.locator(".find p").textContent()];
    await page.locator("#find").fill("");
    seen.again = (await shown()).length;
    for (const box of ["topic", "provider"]) {
      await page.locator(`.boxes input[name=${box}]`).first().check();
    }
    seen.chosen = await page.locator("[data-chosen]").textContent();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes("/search/")),
      page.locator(".dock button").click(),
    ]);
    seen.combined = [answer.url(), answer.status()];
    seen.complaints = seen.complaints.filter((text) => answer.status() < 400 || !/ 404 /.test(text));
    await page.waitForLoadState();
    seen.combination = {
      heading: await page.locator("h1").allTextContents(),
      titles: await page.locator("article h3").allTextContents(),
      feeds: await page
        .locator("link[rel=alternate]")
        .evaluateAll((links) => links.map((link) => link.href)),
    };
    if (answer.status() === 200) await refine(page);
  }
  await context.close();
}

// What a search asks for is a part of the form above: a part is taken out, words are added.
async function refine(page) {
  await page.locator(".chips input[name=topic]").uncheck();
  await page.locator("#q").fill("day 22");
  await Promise.all([page.waitForURL(/q=day/), page.keyboard.press("Enter")]);
  seen.refined = {
    query: new URL(page.url()).search,
    titles: await page.locator("article h3").allTextContents(),
    words: await page.locator("#q").inputValue(),
  };
}

async function withoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await watch(page);
  await page.goto(base);
  seen.bare = {
    articles: await page.locator("article:visible").count(),
    idle: await page.locator("button[data-copy]:visible, .find:visible, kbd:visible").count(),
  };
  await page.locator("[popovertarget=follow]").first().click();
  seen.bare.address = await page.locator("#follow code:visible").first().textContent();
  await page.goto(`${base}combine/`);
  seen.bare.feeds = await page.locator(".boxes li:visible").count();
  await context.close();
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  await everySize(browser);
  if (!language) {
    await use(browser);
    await combine(browser);
    await withoutScript(browser);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

// A browser looks at the pages of a running server: `node browse.mjs CHROMIUM BASE FEED [FOLDER]`.
//
// BASE ends with a slash, FEED is the path of a feed's page. Prints what it saw as JSON, and
// leaves pictures of the pages in FOLDER. Pictures of articles are made up: nothing is asked of
// any host but the server.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [program, base, feed, folder] = process.argv.slice(2);
const origin = new URL(base).origin;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const seen = { complaints: [], strangers: [], pictures: 0, violations: [], wide: [] };
const picture = (hue) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"><rect width="16" height="9" ` +
  `fill="hsl(${hue} 45% 52%)"/><path d="M0 9 6 3l4 4 3-2 3 4z" fill="hsl(${hue} 45% 38%)"/></svg>`;

function watch(page) {
  page.on("console", (message) => {
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
    for (const [name, path] of [["front", ""], ["kind", "topics/"], ["feed", feed]]) {
      await page.goto(base + path);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await look(page, `${name}-${size}-${colorScheme}`);
        await judge(page, `${name}-${size}-${colorScheme}`);
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
  for (const [name, path] of [["front", ""], ["kind", "topics/"], ["feed", feed]]) {
    await page.goto(base + path);
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
  const shown = () => page.locator(".feeds li:visible > a").allTextContents();
  const told = () => page.locator(".find p").textContent();
  seen.all = await shown();
  await page.keyboard.press("/");
  await page.keyboard.type("cafe CREME");
  seen.filtered = await shown();
  seen.told = await told();
  seen.groups = await page.locator(".group:visible h2 a").allTextContents();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("no such thing");
  seen.nothing = [await shown(), await told()];
  await page.locator("#find").fill("");
  seen.again = (await shown()).length;
  await page.locator("[data-copy]").first().click();
  seen.copied = await page.evaluate(() => navigator.clipboard.readText());
  seen.button = await page.locator("[data-copy]").first().textContent();
  seen.alternates = await page
    .locator("link[rel=alternate]")
    .evaluateAll((links) => links.map((link) => [link.title, link.type, link.href]));
  await page.goto(base + feed);
  await page.keyboard.press("Tab");
  seen.first = await page.evaluate(() => document.activeElement.textContent);
  await page.locator("main details summary").first().click();
  seen.related = await page.locator("main details[open] li a").allTextContents();
  const boxes = await page.locator("a:visible, button:visible, input:visible, summary:visible");
  seen.small = await boxes.evaluateAll((all) =>
    all
      .filter((one) => one.getBoundingClientRect().height < 24 && !one.closest(".skip"))
      .map((one) => one.textContent),
  );
  await context.close();
}

async function combine(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await watch(page);
  await page.goto(base);
  if (await page.locator("form").count()) {
    for (const box of ["topic", "provider"]) {
      await page.locator(`.feeds input[name=${box}]`).first().check();
    }
    seen.chosen = await page.locator("[data-chosen]").textContent();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes("/search/")),
      page.locator("button[type=submit]").click(),
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
    if (answer.status() === 200) {
      await refine(page);
      await lookAtSearch(page);
    }
  }
  await context.close();
}

// The page of a search is a form: a part is taken out, words are added.
async function refine(page) {
  await page.locator("form input[name=topic]").uncheck();
  await page.locator("form input[name=q]").fill("day 22");
  await Promise.all([page.waitForURL(/q=day/), page.keyboard.press("Enter")]);
  seen.refined = {
    query: new URL(page.url()).search,
    titles: await page.locator("article h3").allTextContents(),
    words: await page.locator("form input[name=q]").inputValue(),
  };
}

async function lookAtSearch(page) {
  for (const [size, width] of Object.entries({ desktop: 1440, phone: 390, narrow: 320 })) {
    await page.setViewportSize({ width, height: 844 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await look(page, `search-${size}-${colorScheme}`);
      await judge(page, `search-${size}-${colorScheme}`);
    }
  }
}

async function withoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await watch(page);
  await page.goto(base);
  seen.bare = {
    feeds: await page.locator(".feeds li:visible").count(),
    idle: await page.locator("button[data-copy]:visible, .find:visible").count(),
    addresses: await page.locator(".addresses code:visible").allTextContents(),
  };
  await context.close();
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  await everySize(browser);
  await use(browser);
  await combine(browser);
  await withoutScript(browser);
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

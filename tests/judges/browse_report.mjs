// A browser looks at a report of `feedhub stats`: `node browse_report.mjs CHROMIUM FILE FOLDER`.
//
// Prints what it saw as JSON, and leaves pictures in FOLDER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [program, file, folder] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const seen = { complaints: [], asked: [], violations: [], wide: [], papers: [], bars: [] };
const sizes = { desktop: [1280, 900], phone: [390, 844], narrow: [320, 640] };

async function look(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 0) seen.wide.push(`${name}: ${over} px`);
  // The page's own policy lets no script in, so axe comes in as the debugger.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  for (const { id, nodes } of violations) {
    seen.violations.push(`${name}: ${id} at ${nodes.map((node) => node.target).join(", ")}`);
  }
  await page.screenshot({ path: `${folder}/report-${name}.png`, fullPage: true });
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  for (const [size, [width, height]] of Object.entries(sizes)) {
    const page = await browser.newPage({ viewport: { width, height } });
    page.on("console", (message) => seen.complaints.push(message.text()));
    page.on("pageerror", (error) => seen.complaints.push(error.message));
    page.on("request", (request) => seen.asked.push(request.url()));
    await page.goto(address);
    await page.locator("summary").click();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await look(page, `${size}-${colorScheme}`);
      const paper = () => getComputedStyle(document.body).backgroundColor;
      seen.papers.push(await page.evaluate(paper));
    }
    seen.bars.push(
      await page
        .locator(".bars rect, .days rect")
        .evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().width))),
    );
    await page.close();
  }
} finally {
  await browser.close();
}
seen.elsewhere = seen.asked.filter((url) => url !== address);
console.log(JSON.stringify(seen));

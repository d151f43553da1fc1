// Open a page of `feedhub stats` in a browser: `node browse_report.mjs CHROMIUM FILE FOLDER`.
//
// Prints the findings as JSON, and writes screenshots to FOLDER.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [program, file, folder] = process.argv.slice(2);
const address = pathToFileURL(file).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const findings = {
  console: [], requests: [], violations: [], overflows: [], backgrounds: [], bars: [],
};
const sizes = { desktop: [1280, 900], phone: [390, 844], narrow: [320, 640] };

async function check(page, name) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (overflow > 0) findings.overflows.push(`${name}: ${overflow} px`);
  // The page's policy allows no scripts: axe is injected by the debugger.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  for (const { id, nodes } of violations) {
    findings.violations.push(`${name}: ${id} at ${nodes.map((node) => node.target).join(", ")}`);
  }
  await page.screenshot({ path: `${folder}/report-${name}.png`, fullPage: true });
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
try {
  for (const [size, [width, height]] of Object.entries(sizes)) {
    const page = await browser.newPage({ viewport: { width, height } });
    page.on("console", (message) => findings.console.push(message.text()));
    page.on("pageerror", (error) => findings.console.push(error.message));
    page.on("request", (request) => findings.requests.push(request.url()));
    await page.goto(address);
    await page.locator("summary").first().click();
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await check(page, `${size}-${colorScheme}`);
      const background = () => getComputedStyle(document.body).backgroundColor;
      findings.backgrounds.push(await page.evaluate(background));
    }
    findings.bars.push(
      await page
        .locator(".bars rect, .days rect")
        .evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().width))),
    );
    await page.close();
  }
} finally {
  await browser.close();
}
findings.external = findings.requests.filter((url) => url !== address);
console.log(JSON.stringify(findings));

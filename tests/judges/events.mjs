// What a reader sees on the page of a feed while articles come into it: node events.mjs BROWSER URL
// Prints a line of JSON for each state of the line that tells of new articles. A line on standard
// input ends the wait for the next one.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, url] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage();
const errors = [], foreign = [];
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(new URL(url).origin)) foreign.push(request.url());
});
const say = (value) => console.log(JSON.stringify(value));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await page.goto(url, { waitUntil: "domcontentloaded" });
const news = page.locator("#events");
say({ text: await news.textContent(), role: await news.getAttribute("role") });
for (let seen = ""; ;) {
  const { value, done } = await lines.next();
  if (done) break;
  if (value === "click") {
    await Promise.all([page.waitForEvent("load"), page.locator("#events a").click()]);
    seen = "";
    say({ text: await news.textContent(), titles: await page.locator(".list h3").allTextContents() });
  } else {
    await page.waitForFunction((text) => document.querySelector("#events").textContent.trim() !== text, seen);
    seen = (await news.textContent()).trim();
    say({ text: seen });
  }
}
say({ errors, foreign });
await browser.close();

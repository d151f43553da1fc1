"use strict";
/* Tells of articles that come into the feed while its page is open; the page is whole without it. */
const news = one("#events");
const shown = new Set(all("main a").map((link) => link.href)), fresh = new Set();
/* One template for each plural form, with the numbers that have it; the first has all others. */
const forms = all("template[data-for]");
let stream, last = "";
const tell = (event) => {
  last = event.lastEventId;
  for (const { url } of JSON.parse(event.data).articles) {
    const { href } = new URL(url);
    if (!shown.has(href)) fresh.add(href);
  }
  const number = Math.min(fresh.size, 99);
  const form = forms.find((row) => row.dataset.for.split(" ").includes(String(number))) ?? forms[0];
  if (number) say(news, form.id, number);
};
/* A browser has six connections to a host at most, so a page that nobody sees has none. */
const follow = () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
  } else if (!stream) {
    const address = new URL(news.dataset.events, location);
    if (last) address.searchParams.set("after", last);
    stream = new EventSource(address);
    stream.onmessage = tell;
    stream.addEventListener("reset", tell);
  }
};
document.addEventListener("visibilitychange", follow);
follow();
news.addEventListener("click", (event) => {
  event.preventDefault();
  location.reload();
});

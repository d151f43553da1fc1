"use strict";
/* Nothing here is needed: without it the lists are whole, and addresses are copied by hand. */
/* Without a catalog for the language of the site the words are English. */
const language = document.body.lang || document.documentElement.lang;
const all = (what, where = document) => [...where.querySelectorAll(what)];
/* Texts are templates of the page, in its language, with a <b> for each number. */
const say = (where, id, ...numbers) => {
  const text = document.getElementById(id).content.cloneNode(true);
  all("b", text).forEach((number, at) => number.replaceWith(numbers[at].toLocaleString(language)));
  where.replaceChildren(text);
};
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

for (const list of all(".plain")) {
  const kind = list.dataset.kind, ticks = list.matches(".ticks");
  for (const row of list.children) {
    const page = row.querySelector("a"), at = page.getAttribute("href").slice(0, -1);
    if (ticks && !row.querySelector("input")) {
      const box = document.createElement("input");
      Object.assign(box, { type: "checkbox", name: kind, value: decodeURIComponent(at.slice(at.lastIndexOf("/") + 1)), ariaLabel: page.textContent });
      row.prepend(box);
    }
    const link = document.createElement("a"), place = document.createElement("span");
    Object.assign(link, { href: at + list.dataset.suffix, textContent: list.dataset.link });
    place.append(link);
    row.append(place);
  }
}

const find = document.querySelector(".find");
if (find) {
  const field = find.querySelector("input"), told = find.querySelector("p");
  const rows = all(".feeds > li").map((row) => [row, plain(row.querySelector("a").textContent)]);
  const groups = all(".group");
  const filter = () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const [row, name] of rows) {
      row.hidden = !words.every((word) => name.includes(word));
      seen += !row.hidden;
    }
    for (const group of groups) group.hidden = words.length > 0 && !group.querySelector("li:not([hidden])");
    if (words.length) say(told, "found", seen, rows.length);
    else told.textContent = "";
  };
  find.hidden = false;
  field.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.closest("input, textarea")) {
      event.preventDefault();
      field.focus();
    }
  });
  filter();
}

for (const button of all("[data-copy]")) {
  const words = button.innerHTML;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button, "copied");
    } catch {
      /* No permission, or no TLS: it is marked, to be copied by key. */
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      say(button, "press");
    }
    setTimeout(() => { button.innerHTML = words; }, 2500);
  });
}

const chosen = document.querySelector("[data-chosen]");
if (chosen) {
  const form = chosen.closest("form");
  const count = () => {
    const ticked = all(".feeds input:checked", form).length;
    if (ticked) say(chosen, "ticked", ticked);
    else chosen.textContent = "";
  };
  form.addEventListener("change", count);
  count();
}

const near = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
for (const time of all(".item .meta time")) {
  const hours = (new Date(time.dateTime) - Date.now()) / 36e5;
  if (hours > 0 || hours < -168) continue;
  time.title = time.textContent;
  time.textContent = hours > -24 ? near.format(Math.ceil(hours), "hour") : near.format(Math.ceil(hours / 24), "day");
}

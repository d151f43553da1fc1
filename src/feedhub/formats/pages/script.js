"use strict";
/* Nothing here is needed: without it lists are whole, and addresses are copied by hand. */
const all = (what, where = document) => [...where.querySelectorAll(what)];
const one = (what, where = document) => where.querySelector(what);
/* Without a catalog for the language of the site the words are English. */
const language = document.body.lang || document.documentElement.lang;
/* Texts are templates of the page, in its language, with a <b> for each number. */
const say = (where, id, ...numbers) => {
  const text = document.getElementById(id).content.cloneNode(true);
  all("b", text).forEach((number, at) => number.replaceWith(numbers[at].toLocaleString(language)));
  where.replaceChildren(text);
};
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

const find = one(".find");
if (find) {
  const field = one("input", find), told = one("p", find);
  const rows = all(".feeds > li, .boxes > li").map((row) => [row, plain(one("a, bdi", row).textContent)]);
  const groups = all(".group");
  const filter = () => {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    let seen = 0;
    for (const [row, name] of rows) {
      row.hidden = !words.every((word) => name.includes(word));
      seen += !row.hidden;
    }
    for (const group of groups) group.hidden = words.length > 0 && !one("li:not([hidden])", group);
    if (words.length) say(told, "found", seen, rows.length);
    else told.textContent = "";
  };
  find.hidden = false;
  field.addEventListener("input", filter);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  filter();
}

const field = one("#q") ?? one("#find");
if (field) {
  for (const key of all(".search kbd")) key.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
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
      getSelection().selectAllChildren(one("code", button.parentElement));
      say(button, "press");
    }
    setTimeout(() => { button.innerHTML = words; }, 2500);
  });
}

/* A browser that opened the address of a feed is led here, to follow it. */
if (location.hash === "#follow") one("#follow")?.showPopover?.();

const chosen = one("[data-chosen]");
if (chosen) {
  const form = chosen.closest("form");
  const given = new URLSearchParams(location.search);
  for (const box of all("[type=checkbox]", form)) box.checked ||= given.getAll(box.name).includes(box.value);
  const count = () => {
    const ticked = all(".boxes :checked", form).length;
    if (ticked) say(chosen, "chosen", ticked);
    else chosen.textContent = "";
  };
  form.addEventListener("change", count);
  count();
}

const near = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
for (const time of all(".meta time")) {
  const hours = (new Date(time.dateTime) - Date.now()) / 36e5;
  if (hours > 0 || hours < -168) continue;
  time.title = time.textContent;
  time.textContent = hours > -24 ? near.format(Math.ceil(hours), "hour") : near.format(Math.ceil(hours / 24), "day");
}

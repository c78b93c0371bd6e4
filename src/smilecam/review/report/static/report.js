"use strict";
const find = (name) => document.getElementById(name);

// The theme: the system's, until the button chooses another.
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const names = { auto: "automatic", light: "light", dark: "dark" };
  let wanted = "auto";
  const apply = () => {
    document.documentElement.dataset.theme = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
    find("theme-name").textContent = names[wanted];
  };
  dark.addEventListener("change", apply);
  find("theme").addEventListener("click", () => {
    const order = Object.keys(names);
    wanted = order[(order.indexOf(wanted) + 1) % order.length];
    apply();
  });
  find("theme").hidden = false;
  apply();
}

// Filters and order of videos and images.
{
  const form = find("filters");
  const cards = [...document.querySelectorAll("[data-kind]")];
  const lists = [...document.querySelectorAll(".videos, .images")].map((list) => [list, [...list.children]]);
  const filter = () => {
    const text = find("name").value.trim().toLowerCase();
    const kind = find("kind").value;
    const peak = Number(find("peak").value) / 100;
    const longest = Number(find("longest").value);
    find("peak-value").textContent = `${find("peak").value} %`;
    let shown = 0;
    for (const card of cards) {
      const data = card.dataset;
      card.hidden = !(data.name.includes(text) && (!kind || data.kind === kind) && Number(data.peak) >= peak
        && (data.kind === "image" || Number(data.longest) >= longest) && (!find("smiling").checked || data.smiles !== "0"));
      shown += !card.hidden;
    }
    for (const [list, items] of lists) list.closest("section").hidden = items.every((card) => card.hidden);
    find("shown").textContent = `${shown} of ${cards.length} shown`;
  };
  const arrange = () => {
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    for (const [list, items] of lists) {
      const sorted = find("order").value === "name" ? [...items].sort((a, b) => compare(a.dataset.name, b.dataset.name)) : items;
      list.append(...sorted);
    }
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", filter);
    find("order").addEventListener("change", arrange);
    filter();
  }
}

// Links to moments of videos play them in the page; without this script they open the file there.
{
  const player = find("player");
  const video = player.querySelector("video");
  let card = null;
  let opener = null;
  const move = () => {
    const line = card?.querySelector(".timeline");
    if (!line) return;
    const place = Math.min(1, video.currentTime / Number(line.dataset.duration)) * line.viewBox.baseVal.width;
    const cursor = line.querySelector(".cursor");
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
  };
  const play = (target, seconds, from) => {
    card?.querySelector(".timeline").classList.remove("playing");
    card = target;
    opener = from;
    const media = card.dataset.media;
    const name = card.querySelector("h3").textContent;
    find("playing").textContent = name;
    find("trouble").hidden = true;
    find("direct").href = `${media}#t=${seconds}`;
    player.hidden = false;
    if (video.dataset.media !== media) {
      video.dataset.media = media;
      video.src = `${media}#t=${seconds}`;
    } else {
      video.currentTime = seconds;
    }
    card.querySelector(".timeline").classList.add("playing");
    video.play().catch(() => { /* blocked, or not playable: the controls and the error event say so */ });
    video.focus();
  };
  const close = () => {
    video.pause();
    player.hidden = true;
    card?.querySelector(".timeline").classList.remove("playing");
    opener?.focus();
  };
  video.addEventListener("timeupdate", move);
  video.addEventListener("seeked", move);
  video.addEventListener("error", () => { find("trouble").hidden = false; });
  find("close").addEventListener("click", close);
  player.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const target = event.target.closest("[data-media]");
    const line = event.target.closest(".timeline");
    const moment = event.target.closest("[data-seek]");
    if (!target || !(line || moment)) return;
    event.preventDefault();
    if (moment) {
      play(target, Number(moment.dataset.seek), moment.closest("a"));
    } else {
      const box = line.getBoundingClientRect();
      play(target, ((event.clientX - box.left) / box.width) * Number(line.dataset.duration), null);
    }
  });
}

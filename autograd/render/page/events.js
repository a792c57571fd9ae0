// Buttons, keys, and the step in the page's address.

const addressedStep = (address) => parseInt(new URL(address).hash.slice(1), 10) || 0;
const clicks = {
  first: () => jump(0), back: () => jump(now - 1), next: () => jump(now + 1), last: () => jump(view.last), play, full: fullscreen,
  zoom: toggleZoom, larger: () => zoomBy(1.25), smaller: () => zoomBy(0.8), noted: speak, fold: foldAgain,
};
for (const [id, action] of Object.entries(clicks)) get(id).onclick = action;
slider.oninput = () => jump(+slider.value);
get("find").oninput = find;
for (const button of document.querySelectorAll("nav button")) button.onclick = () => { part = button.dataset.part; show(); };

addEventListener("hashchange", (event) => { // location may already name the step before again, see `go`
  const step = addressedStep(event.newURL);
  if (step !== now) jump(step);
});

function escape() {
  if (get("find").value) return forget();
  if (chosen === null && view !== views[0]) return foldAgain();
  chosen = null;
  show();
}

const pan = (left, top) => () => main.scrollBy({ left: left * 120, top: top * 120, behavior: "instant" });
const panned = { ArrowRight: pan(1, 0), ArrowLeft: pan(-1, 0), ArrowDown: pan(0, 1), ArrowUp: pan(0, -1) };
const pressed = {
  ArrowRight: clicks.next, ArrowDown: clicks.next, PageDown: clicks.next, ArrowLeft: clicks.back, ArrowUp: clicks.back, PageUp: clicks.back,
  Home: clicks.first, End: clicks.last, " ": play, f: fullscreen, F: fullscreen, n: speak, N: speak, 0: toggleZoom,
  "+": clicks.larger, "=": clicks.larger, "-": clicks.smaller, "/": () => get("find").focus(), Escape: escape,
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const target = event.target, card = target.classList?.contains("card") ? view.byId.get(target.id) : null;
  if (target.id === "find") {
    if (event.key === "Enter") pick();
    else if (event.key === "Escape") { forget(); target.blur(); }
    else return;
  } else if (card && (event.key === "Enter" || event.key === " ")) choose(card);
  else if (target.tagName === "BUTTON" && event.key === " ") return;
  else if (event.shiftKey && panned[event.key]) panned[event.key]();
  else if (pressed[event.key]) pressed[event.key]();
  else return;
  event.preventDefault();
});

for (const one of views) {
  for (const card of one.cards) {
    set(card.group, "opens", !!card.opens);
    card.group.addEventListener("click", () => { choose(card); card.group.blur(); });
    card.group.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse" && !held) trace(card); });
    card.group.addEventListener("pointerleave", untrace);
  }
}

get("noted").hidden = !data.noted;
reserve();
listNames();
now = Math.max(0, Math.min(view.last, addressedStep(location.href)));
show();
new ResizeObserver(arrange).observe(main, { box: "border-box" }); // at once too, or when a frame gets its size

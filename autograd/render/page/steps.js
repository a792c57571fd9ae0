// The pictures of the page, and what is shown at a step. All files of the script are one function's body.

const get = (id) => document.getElementById(id);
const data = JSON.parse(get("data").textContent);
const main = document.querySelector("main"), slider = get("slider");
const still = matchMedia("(prefers-reduced-motion: reduce)"), wide = matchMedia("(min-width: 1081px)");

// One picture, or a folded one and what it is unfolded.
const views = [["picture", data], ["unfolded", data.unfolded]].filter(([, told]) => told).map(([id, told]) => {
  const cards = told.cards.map((card) => ({ ...card, group: get(card.id) }));
  const edges = told.edges.map(([tail, head, at, id]) => ({ tail, head, at, group: get(id) }));
  return { svg: get(id), cards, edges, steps: told.steps, last: told.steps.length - 1, byId: new Map(cards.map((card) => [card.id, card])) };
});
let view = views[0], now = 0, chosen = null, timer = null, addressed = null, noted = false, part = null;

const set = (element, name, on) => { if (element.classList.contains(name) !== on) element.classList.toggle(name, on); };

function show() {
  const step = view.steps[now];
  document.body.dataset.phase = step.phase;
  document.body.dataset.part = part ?? (step.phase === "backward" ? "rule" : "value"); // of a narrow window
  get("phase").textContent = step.phase;
  get("caption").textContent = step.sentence;
  slider.max = view.last;
  slider.value = now;
  slider.setAttribute("aria-valuetext", step.sentence);
  get("count").textContent = `${now} / ${view.last}`;
  get("first").disabled = get("back").disabled = now === 0;
  get("last").disabled = get("next").disabled = now === view.last;
  for (const card of view.cards) {
    set(card.group, "valued", now >= card.at);
    set(card.group, "graded", card.done !== null && now >= card.done);
    set(card.group, "active", card.id === step.card);
    set(card.group, "chosen", card.id === chosen);
  }
  view.edges.forEach((edge, place) => {
    set(edge.group, "back", edge.at !== null && now >= edge.at);
    set(edge.group, "active", step.phase === "forward" ? edge.head === step.card : place === step.edge);
  });
  get("notes").textContent = step.spoken ?? "No note for this step.";
  inspect(step);
}

function go(step) {
  now = Math.max(0, Math.min(view.last, step));
  chosen = null;
  show();
  follow();
  clearTimeout(addressed); // browsers refuse many changes of the address in a short time
  addressed = setTimeout(() => { try { history.replaceState(null, "", "#" + now); } catch { location.hash = now; } }, 120);
}

function pause() {
  clearInterval(timer);
  timer = null;
  get("play").textContent = "Play";
}

function play() {
  if (timer) return pause();
  if (now === view.last) go(0);
  get("play").textContent = "Pause";
  timer = setInterval(() => now < view.last ? go(now + 1) : pause(), 1200);
}

function fullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

function choose(card) {
  if (card.opens) return unfold(card);
  chosen = chosen === card.id ? null : card.id;
  show();
}

function speak() {
  noted = !noted && data.noted;
  get("notes").hidden = !noted;
  get("noted").setAttribute("aria-pressed", noted);
}

// A folded card opens: the picture of everything, at the same moment, around what was in the card.

function unfold(card) {
  const folded = view.steps[now], inside = card.opens.map((id) => views[1].byId.get(id));
  const shown = now >= card.at, graded = card.done !== null && now >= card.done;
  const step = folded.phase === "start" ? 0 : folded.phase === "end" ? views[1].last
    : folded.phase === "backward" ? Math.max(...inside.map((one) => graded ? one.done ?? 0 : 0), seeded(views[1]))
    : Math.max(...inside.map((one) => shown ? one.at : 0), 0);
  turn(views[1]);
  jump(step);
  zoomTo(true);
  lookAt(card.opens);
}

function foldAgain() {
  const place = now / Math.max(view.last, 1), phase = view.steps[now].phase;
  turn(views[0]);
  const same = view.steps.findIndex((step) => step.phase === phase);
  jump(phase === "end" ? view.last : Math.max(same, Math.round(place * view.last)));
  arrange();
}

const seeded = (one) => Math.max(0, one.steps.findIndex((step) => step.phase === "backward"));

function turn(to) {
  view = to;
  for (const one of views) one.svg.toggleAttribute("hidden", one !== to);
  get("fold").hidden = to === views[0];
  forget();
  listNames();
}

const jump = (step) => { pause(); go(step); };

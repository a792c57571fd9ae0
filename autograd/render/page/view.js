// The view: the whole picture where its text can be read, else a part of it, which follows what happens.

const READABLE = 1, LARGEST = 2, MOST = 6, LEAST = 0.05; // pixels a point; the least text has 12 points
let scale = 1, near = false, own = false; // own: somebody chose the size

const size = () => view.svg.viewBox.baseVal;
const fitting = () => Math.min(main.clientWidth / size().width, main.clientHeight / size().height);

function scaleTo(wanted) {
  scale = wanted;
  const pixels = near ? Math.ceil : Math.floor; // a part has text as large as it says, and the whole fits
  view.svg.setAttribute("width", pixels(size().width * scale));
  view.svg.setAttribute("height", pixels(size().height * scale));
}

// What is at this place of the window stays there.
function zoomAt(factor, x, y) {
  const wanted = Math.max(Math.min(LEAST, fitting()), Math.min(MOST, scale * factor)), before = view.svg.getBoundingClientRect();
  const across = (x - before.left) / before.width, down = (y - before.top) / before.height;
  scaleTo(wanted);
  const after = view.svg.getBoundingClientRect();
  main.scrollBy({ left: after.left + across * after.width - x, top: after.top + down * after.height - y, behavior: "instant" });
  own = true;
  near = scale > fitting();
  label();
}

function zoomBy(factor) {
  const around = main.getBoundingClientRect();
  zoomAt(factor, around.left + around.width / 2, around.top + around.height / 2);
}

function label() { get("zoom").textContent = near ? "Whole" : "Zoom in"; }

function zoomTo(wanted) {
  near = wanted;
  own = false;
  const whole = Math.min(fitting(), LARGEST);
  scaleTo(!near ? whole : whole < READABLE ? READABLE : 1.5 * whole);
  label();
  follow(false);
}

const toggleZoom = () => zoomTo(!near);

// What is known of a card stands beside the picture where this is whole there, and larger than above it.
function place() {
  const width = innerWidth, height = document.querySelector("footer").offsetTop - main.offsetTop - get("notes").offsetHeight;
  const under = Math.min(width / size().width, (height - below) / size().height);
  const beside = Math.min((width - BESIDE) / size().width, height / size().height);
  const whole = beside >= READABLE && beside > under && under < LARGEST;
  document.body.classList.toggle("beside", whole && wide.matches && stacked <= height);
}

function arrange() {
  if (own) return;
  place();
  scaleTo(0); // without it the window has its whole room
  zoomTo(fitting() < READABLE);
}

// Scrolls to the step's card, with the cards around it where there is room for them.
function follow(smooth = true) {
  if (!near) return;
  const step = view.steps[now], card = step.card ?? view.cards[0].id;
  const around = step.edge === undefined ? view.edges.filter((edge) => edge.head === card).map((edge) => edge.tail) : [view.edges[step.edge].head];
  lookAt([card, ...around], smooth);
}

function lookAt(ids, smooth = false) {
  const around = main.getBoundingClientRect(), boxes = ids.map((id) => get(id).getBoundingClientRect());
  const to = (from, until, start, length) => {
    const room = length - 24, ends = (some) => [Math.min(...some.map((box) => box[from])), Math.max(...some.map((box) => box[until]))];
    let [first, final] = ends(boxes);
    if (final - first > room) [first, final] = ends(boxes.slice(0, 1));
    if (final - first > room) final = first + room;
    return first >= start + 12 && final <= start + 12 + room ? 0 : (first + final) / 2 - start - length / 2;
  };
  const left = to("left", "right", around.left, main.clientWidth), top = to("top", "bottom", around.top, main.clientHeight);
  const close = Math.abs(left) < 2 * main.clientWidth && Math.abs(top) < 2 * main.clientHeight;
  if (left || top) main.scrollBy({ left, top, behavior: smooth && close && !still.matches ? "smooth" : "instant" });
}

// By wheel with Ctrl (a touchpad's pinch is that), by two fingers, and by dragging

main.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoomAt(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
}, { passive: false });

let apart = 0;
const distance = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
main.addEventListener("touchstart", (event) => { apart = event.touches.length === 2 ? distance(event.touches) : 0; }, { passive: true });
main.addEventListener("touchmove", (event) => {
  if (event.touches.length !== 2 || !apart) return;
  event.preventDefault();
  const [a, b] = event.touches, wide = distance(event.touches);
  zoomAt(wide / apart, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2);
  apart = wide;
}, { passive: false });

let held = null, moved = false;
main.addEventListener("pointerdown", (event) => {
  moved = false;
  if (event.pointerType === "mouse" && event.button === 0) held = { x: event.clientX, y: event.clientY, left: main.scrollLeft, top: main.scrollTop };
});
addEventListener("pointermove", (event) => {
  if (!held) return;
  const x = event.clientX - held.x, y = event.clientY - held.y;
  moved ||= Math.hypot(x, y) > 5;
  if (!moved) return;
  main.classList.add("dragged");
  main.scrollTo({ left: held.left - x, top: held.top - y, behavior: "instant" });
});
addEventListener("pointerup", () => { held = null; main.classList.remove("dragged"); });
main.addEventListener("click", (event) => { if (moved) event.stopPropagation(); }, { capture: true }); // it was no click

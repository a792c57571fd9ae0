"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get("data").textContent);
  const svg = get("picture"), slider = get("slider"), last = data.steps.length - 1;
  const cards = data.cards.map((card) => ({ ...card, group: get(card.id) }));
  const edges = data.edges.map(([tail, head, at], place) => ({ tail, head, at, group: get("e" + place) }));
  const byId = new Map(cards.map((card) => [card.id, card]));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let now = 0, chosen = null, timer = null, addressed = null;

  // What is shown at a step

  const set = (element, name, on) => { if (element.classList.contains(name) !== on) element.classList.toggle(name, on); };

  function show() {
    const step = data.steps[now];
    document.body.dataset.phase = step.phase;
    get("phase").textContent = step.phase;
    get("caption").textContent = step.sentence;
    slider.value = now;
    slider.setAttribute("aria-valuetext", step.sentence);
    get("count").textContent = `${now} / ${last}`;
    get("first").disabled = get("back").disabled = now === 0;
    get("last").disabled = get("next").disabled = now === last;
    for (const card of cards) {
      set(card.group, "valued", now >= card.at);
      set(card.group, "graded", card.done !== null && now >= card.done);
      set(card.group, "active", card.id === step.card);
      set(card.group, "chosen", card.id === chosen);
    }
    edges.forEach((edge, place) => {
      set(edge.group, "back", edge.at !== null && now >= edge.at);
      set(edge.group, "active", step.phase === "forward" ? edge.head === step.card : place === step.edge);
    });
    inspect(step);
  }

  function inspect(step) {
    const card = byId.get(chosen ?? step.card);
    get("which").textContent = card ? formula(card) : "";
    get("about").textContent = card ? card.about : "";
    fill("value", card && (now >= card.at ? table(card.value) : quiet("not computed yet")));
    gradientSoFar(card);
    const rule = get("rule");
    if (step.rule) rule.innerHTML = step.rule; // made of escaped names by the program that wrote this page
    else rule.textContent = step.phase === "forward" ? formula(byId.get(step.card)) : "";
    get("note").textContent = step.note ?? "";
    if (!card) fill("value", step.phase === "start" ? keys() : quiet("Click a card to see its numbers."));
  }

  function gradientSoFar(card) {
    get("share").textContent = "";
    if (!card) return fill("gradient", null);
    if (card.done === null) return fill("gradient", quiet("gets none: nothing here asks for its gradient"));
    const arrived = data.steps.slice(0, now + 1).filter((step) => step.phase === "backward" && step.card === card.id);
    const step = arrived.at(-1);
    if (!step) return fill("gradient", quiet(now >= card.done ? "0: every use has a derivative of zero" : "nothing has arrived yet"));
    if (!step.gradient) return fill("gradient", quiet("the card stands for several values"));
    if (!step.share) return fill("gradient", table(step.gradient));
    get("share").textContent = `${step.share} contributions`;
    if (arrived.length < 2) return fill("gradient", table(step.gradient));
    const sum = document.createElement("div"), added = table(step.contribution);
    sum.className = "sum";
    const total = document.createElement("b");
    total.append(table(step.gradient));
    if (added.className) sum.append(total, quiet("to which this step added"), added);
    else sum.append(table(arrived.at(-2).gradient), "+", added, "=", total);
    fill("gradient", sum);
  }

  const formula = (card) => card.expression ? `${card.name} = ${card.expression}` : card.name;
  const fill = (id, content) => get(id).replaceChildren(...(content ? [content] : []));

  function quiet(text) {
    const line = document.createElement("p");
    line.className = "quiet";
    line.textContent = text;
    return line;
  }

  function keys() {
    const text = quiet("");
    [["→ ←", "step"], ["Space", "plays"], ["Home", "End", "first and last"], ["f", "full screen"]].forEach((line) => {
      const meaning = line.pop();
      for (const key of line) text.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
      text.append(meaning, document.createElement("br"));
    });
    text.append("Click a card to see its numbers.");
    return text;
  }

  function table(shown) {
    if (!shown) return quiet("several values");
    const whole = document.createElement("div");
    const body = document.createElement("table").appendChild(document.createElement("tbody"));
    for (const row of shown.rows) {
      const line = body.insertRow();
      for (const text of row.split(" ")) {
        const cell = line.insertCell();
        cell.textContent = text;
        if (/NaN|∞/.test(text)) cell.className = "alarm";
      }
    }
    if (body.rows.length > 5 || body.rows[0]?.cells.length > 5) whole.className = "dense";
    whole.append(body.parentNode, ...shown.lines.map(quiet));
    return whole;
  }

  // Stepping

  function go(step) {
    now = Math.max(0, Math.min(last, step));
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
    if (now === last) go(0);
    get("play").textContent = "Pause";
    timer = setInterval(() => now < last ? go(now + 1) : pause(), 1200);
  }

  function fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.().catch(() => {});
  }

  function choose(card) {
    chosen = chosen === card.id ? null : card.id;
    show();
  }

  const jump = (step) => { pause(); go(step); };
  const addressedStep = (address) => parseInt(new URL(address).hash.slice(1), 10) || 0;

  get("first").onclick = () => jump(0);
  get("back").onclick = () => jump(now - 1);
  get("next").onclick = () => jump(now + 1);
  get("last").onclick = () => jump(last);
  get("play").onclick = play;
  get("full").onclick = fullscreen;
  slider.oninput = () => jump(+slider.value);
  addEventListener("hashchange", (event) => { // location may already name the step before again, see `go`
    const step = addressedStep(event.newURL);
    if (step !== now) jump(step);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    const card = target.classList?.contains("card") ? byId.get(target.id) : null;
    const actions = {
      ArrowRight: () => jump(now + 1), ArrowDown: () => jump(now + 1), PageDown: () => jump(now + 1),
      ArrowLeft: () => jump(now - 1), ArrowUp: () => jump(now - 1), PageUp: () => jump(now - 1),
      Home: () => jump(0), End: () => jump(last), " ": play, f: fullscreen, F: fullscreen, 0: toggleZoom,
      Escape: () => { chosen = null; show(); },
    };
    if (card && (event.key === "Enter" || event.key === " ")) choose(card);
    else if (target.tagName === "BUTTON" && event.key === " ") return;
    else if (actions[event.key]) actions[event.key]();
    else return;
    event.preventDefault();
  });
  for (const card of cards) card.group.addEventListener("click", () => { choose(card); card.group.blur(); });

  // The view: the whole graph where its text can be read, else it scrolls to where something happens

  const READABLE = 0.7, LARGEST = 2, COMFORTABLE = 1.1; // pixels a point
  const main = svg.parentElement, whole = svg.viewBox.baseVal;
  let near = false;

  const fitting = () => Math.min(main.clientWidth / whole.width, main.clientHeight / whole.height);

  function scaleTo(scale) {
    svg.setAttribute("width", Math.floor(whole.width * scale));
    svg.setAttribute("height", Math.floor(whole.height * scale));
  }

  function follow(smooth = true) { // with the cards around it where there is room for them
    if (!near) return;
    const step = data.steps[now], card = step.card ?? cards[0].id, around = main.getBoundingClientRect();
    const others = step.edge === undefined ? edges.filter((edge) => edge.head === card).map((edge) => edge.tail) : [edges[step.edge].head];
    const box = get(card).getBoundingClientRect(), boxes = [box, ...others.map((id) => get(id).getBoundingClientRect())];
    const to = (from, until, start, length) => {
      const room = length - 24, ends = (some) => [Math.min(...some.map((box) => box[from])), Math.max(...some.map((box) => box[until]))];
      let [first, final] = ends(boxes);
      if (final - first > room) [first, final] = ends([box]);
      if (final - first > room) final = first + room;
      return first >= start + 12 && final <= start + 12 + room ? 0 : (first + final) / 2 - start - length / 2;
    };
    const left = to("left", "right", around.left, main.clientWidth), top = to("top", "bottom", around.top, main.clientHeight);
    const close = Math.abs(left) < 2 * main.clientWidth && Math.abs(top) < 2 * main.clientHeight;
    if (left || top) main.scrollBy({ left, top, behavior: smooth && close && !still.matches ? "smooth" : "instant" });
  }

  function zoomTo(wanted) {
    near = wanted;
    get("zoom").textContent = near ? "Whole" : "Zoom in";
    scaleTo(near ? COMFORTABLE : Math.min(fitting(), LARGEST));
    follow(false);
  }

  function toggleZoom() { if (!get("zoom").hidden) zoomTo(!near); }

  function arrange() {
    scaleTo(0);
    const small = fitting() < READABLE;
    get("zoom").hidden = !small;
    zoomTo(small);
  }

  get("zoom").onclick = toggleZoom;
  new ResizeObserver(arrange).observe(main, { box: "border-box" }); // at once too, or when a frame gets its size

  slider.max = last;
  now = Math.max(0, Math.min(last, addressedStep(location.href)));
  show();
})();

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
      set(card.group, "lit", card.id === step.card);
      set(card.group, "chosen", card.id === chosen);
    }
    edges.forEach((edge, place) => {
      set(edge.group, "back", edge.at !== null && now >= edge.at);
      set(edge.group, "lit", step.phase === "forward" ? edge.head === step.card : place === step.edge);
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
    const sum = document.createElement("div");
    sum.className = "sum";
    const total = document.createElement("b");
    total.append(table(step.gradient));
    sum.append(table(arrived.at(-2).gradient), "+", table(step.contribution), "=", total);
    fill("gradient", sum);
  }

  const formula = (card) => card.expression ? `${card.name} = ${card.expression}` : card.name;
  const fill = (id, content) => get(id).replaceChildren(...(content ? [content] : []));

  function quiet(text) {
    const told = document.createElement("p");
    told.className = "quiet";
    told.textContent = text;
    return told;
  }

  function keys() {
    const told = quiet("");
    [["→ ←", "step"], ["Space", "plays"], ["Home", "End", "first and last"], ["f", "full screen"]].forEach((line) => {
      const meaning = line.pop();
      for (const key of line) told.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
      told.append(meaning, document.createElement("br"));
    });
    told.append("Click a card to see its numbers.");
    return told;
  }

  function table(shown) {
    if (!shown) return quiet("several values");
    const whole = document.createElement("div");
    const body = document.createElement("table").appendChild(document.createElement("tbody"));
    for (const row of shown.rows) {
      const line = body.insertRow();
      for (const text of row) {
        const cell = line.insertCell();
        cell.textContent = text;
        if (/NaN|∞/.test(text)) cell.className = "alarm";
      }
    }
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
  const addressedStep = () => parseInt(location.hash.slice(1), 10) || 0;

  get("first").onclick = () => jump(0);
  get("back").onclick = () => jump(now - 1);
  get("next").onclick = () => jump(now + 1);
  get("last").onclick = () => jump(last);
  get("play").onclick = play;
  get("full").onclick = fullscreen;
  slider.oninput = () => jump(+slider.value);
  addEventListener("hashchange", () => { if (addressedStep() !== now) jump(addressedStep()); });
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
  for (const card of cards) card.group.addEventListener("click", () => { if (!dragged) { choose(card); card.group.blur(); } });

  // The view: the whole graph where its text can be read, else the part where something happens

  const full = svg.viewBox.baseVal, whole = { x: full.x, y: full.y, width: full.width, height: full.height };
  const READABLE = 0.8, LARGEST = 2, COMFORTABLE = 1.1; // pixels a point
  let view = null, near = false, moving = 0, dragged = false;

  const fits = () => Math.min(svg.clientWidth / whole.width, svg.clientHeight / whole.height);
  const about = (x, y, scale) => {
    const width = svg.clientWidth / scale, height = svg.clientHeight / scale;
    return { x: x - width / 2, y: y - height / 2, width, height };
  };
  const everything = () => about(whole.x + whole.width / 2, whole.y + whole.height / 2, Math.min(fits(), LARGEST));
  const scale = () => svg.clientWidth / view.width;

  function look(to, smooth) {
    cancelAnimationFrame(moving);
    const from = view, begun = performance.now(), lasts = smooth && from && !still.matches && cards.length < 150 ? 280 : 0;
    const frame = (time) => {
      const part = lasts ? Math.min(1, Math.max(0, time - begun) / lasts) : 1, eased = part * part * (3 - 2 * part);
      view = Object.fromEntries(Object.keys(to).map((key) => [key, lasts ? from[key] + eased * (to[key] - from[key]) : to[key]]));
      svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
      if (part < 1) moving = requestAnimationFrame(frame);
    };
    if (lasts) moving = requestAnimationFrame(frame); else frame(0);
  }

  function box(ids) { // in the picture's units, whatever is shown of it
    const to = svg.getScreenCTM().inverse(), corners = ids.flatMap((id) => {
      const { left, top, right, bottom } = get(id).getBoundingClientRect();
      return [new DOMPoint(left, top), new DOMPoint(right, bottom)];
    }).map((point) => point.matrixTransform(to));
    const xs = corners.map((point) => point.x), ys = corners.map((point) => point.y);
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  }

  function follow() {
    const step = data.steps[now];
    if (!near || !step.card) return;
    const edge = edges[step.edge], [left, top, right, bottom] = box(edge ? [edge.tail, edge.head] : [step.card]);
    const margin = 24, inside = left > view.x + margin && right < view.x + view.width - margin
      && top > view.y + margin && bottom < view.y + view.height - margin;
    if (!inside) look(about((left + right) / 2, (top + bottom) / 2, scale()), true);
  }

  function zoomTo(wanted) {
    near = wanted;
    get("zoom").textContent = near ? "Whole" : "Zoom in";
    if (!near) return look(everything(), true);
    const { card } = data.steps[now], first = cards[0].id;
    const [left, top, right, bottom] = box([card ?? first]);
    look(about((left + right) / 2, (top + bottom) / 2, COMFORTABLE), true);
  }

  function toggleZoom() { if (!get("zoom").hidden) zoomTo(!near); }

  function arrange() {
    get("zoom").hidden = fits() >= READABLE;
    look(everything(), false);
    near = false;
    zoomTo(fits() < READABLE);
  }

  get("zoom").onclick = toggleZoom;
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const wanted = Math.min(4, Math.max(fits() / 2, scale() * Math.exp(-event.deltaY / 400)));
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const part = scale() / wanted;
    near = true;
    look({ x: point.x - (point.x - view.x) * part, y: point.y - (point.y - view.y) * part,
      width: view.width * part, height: view.height * part }, false);
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    const start = { ...view }, factor = 1 / scale(), x = event.clientX, y = event.clientY;
    dragged = false;
    const move = (next) => {
      const dx = next.clientX - x, dy = next.clientY - y;
      if (Math.abs(dx) + Math.abs(dy) > 4) dragged = true;
      if (dragged) look({ ...start, x: start.x - dx * factor, y: start.y - dy * factor }, false);
    };
    const stop = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", stop); };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
  });
  addEventListener("resize", arrange);

  slider.max = last;
  now = Math.max(0, Math.min(last, addressedStep()));
  show();
  arrange();
})();

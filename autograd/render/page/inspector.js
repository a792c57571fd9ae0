// What is known of a card: its numbers, the gradient that has arrived, and the rule of the step.

const ROW = 21, DENSE = 16, LINE = 20, HEAD = 60, BESIDE = 440; // pixels
let below = 0, stacked = 0; // heights of what is known of a card, below the picture and beside it

function inspect(step) {
  const card = view.byId.get(chosen ?? step.card);
  get("which").textContent = get("which").title = card ? formula(card) : "";
  get("about").textContent = get("about").title = card ? card.about : "";
  fill("value", card && (now >= card.at ? table(card.value) : quiet("not computed yet")));
  gradientSoFar(card);
  const rule = get("rule"), inside = chosen === null ? null : card?.inside;
  get("how").textContent = document.querySelector("nav [data-part=rule]").textContent = inside ? "Inside" : "This step";
  if (inside) rule.replaceChildren(now >= card.at ? table(arrivedIn(inside, card)) : quiet("not computed yet"));
  else if (step.rule) rule.innerHTML = step.rule; // made of escaped names by the program that wrote this page
  else rule.textContent = step.phase === "forward" ? formula(view.byId.get(step.card)) : "";
  get("note").textContent = inside ? "" : step.note ?? "";
  if (!card) fill("value", step.phase === "start" ? keys() : quiet("Click a card to see its numbers."));
}

// The operations of a card; their gradients, which stand last, once its own is whole.
function arrivedIn(inside, card) {
  if (card.done !== null && now >= card.done) return inside;
  return { ...inside, rows: inside.rows.map((row) => row.split(" ").slice(0, 3).join(" ")) };
}

function gradientSoFar(card) {
  get("share").textContent = "";
  if (!card) return fill("gradient", null);
  if (card.done === null) return fill("gradient", quiet("gets none: nothing here asks for its gradient"));
  const arrived = view.steps.slice(0, now + 1).filter((step) => step.phase === "backward" && step.card === card.id);
  const step = arrived.at(-1);
  if (!step) return fill("gradient", quiet(now >= card.done ? "0: every use has a derivative of zero" : "nothing has arrived yet"));
  if (!step.gradient) return fill("gradient", quiet("the card stands for several values"));
  if (step.share) get("share").textContent = `${step.share} contributions`;
  if (arrived.length < 2) return fill("gradient", table(step.gradient));
  const sum = document.createElement("div"), total = document.createElement("b");
  sum.className = "sum";
  total.append(table(step.gradient));
  sum.append(table(arrived.at(-2).gradient), "+", table(step.contribution), "=", total);
  fill("gradient", sum);
  const section = get("gradient").parentElement; // where the sum does not fit, what it is
  if (section.scrollHeight > section.clientHeight || sum.scrollWidth > section.clientWidth) fill("gradient", table(step.gradient));
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
  [["→ ←", "step"], ["Space", "plays"], ["+", "−", "0", "size"], ["/", "finds"], ["f", "full screen"]].forEach((line) => {
    const meaning = line.pop(), whole = document.createElement("span");
    for (const key of line) whole.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    whole.append(meaning);
    text.append(whole, " \u2003");
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
  if (isDense(shown)) whole.className = "dense";
  whole.append(body.parentNode, ...(shown.lines.length ? [quiet(shown.lines.join(", "))] : []));
  return whole;
}

const isDense = (shown) => shown.rows.length > 5 || (shown.rows[0] ?? "").split(" ").length > 5;

// The height of the most that is ever shown: of the three parts one under the other, and of the largest, within what
// leaves the picture its room.
function reserve() {
  const height = (shown) => shown ? shown.rows.length * (isDense(shown) ? DENSE : ROW) + (shown.lines.length ? LINE : 0) : LINE;
  let value = 0, gradient = 0, rule = 0;
  for (const { cards, steps } of views) {
    for (const card of cards) {
      value = Math.max(value, height(card.value));
      rule = Math.max(rule, card.inside ? height(card.inside) - LINE : 0);
    }
    for (const step of steps) {
      if (step.gradient) gradient = Math.max(gradient, height(step.gradient));
      const rules = (step.rule ?? "").split("<math").length - 1;
      if (rules) rule = Math.max(rule, rules * 62 + (step.note ? 2 * LINE : 0) - LINE);
    }
  }
  stacked = value + gradient + rule + 3 * HEAD;
  below = Math.min(Math.max(84, value, gradient, rule) + HEAD, 260);
  document.body.style.setProperty("--inspector", `${below}px`);
  document.body.style.setProperty("--beside", `${BESIDE}px`);
}

// Names are found, and a card under the pointer shows what its value is made of and where it goes.

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[\s_]/g, "");

function listNames() {
  const names = [...new Set(view.cards.map((card) => card.name))];
  get("names").replaceChildren(...names.map((name) => Object.assign(document.createElement("option"), { value: name })));
}

// Cards of that name; else those whose name begins so, then those that have it anywhere.
function matches(text) {
  const wanted = plain(text);
  const tests = [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)];
  for (const test of wanted ? tests : []) {
    const found = view.cards.filter((card) => test(plain(card.name)) || test(plain(card.path)));
    if (found.length) return found;
  }
  return [];
}

function find() {
  const text = get("find").value, found = matches(text);
  main.classList.toggle("searched", found.length > 0);
  get("find").setAttribute("aria-invalid", text !== "" && found.length === 0);
  for (const card of view.cards) set(card.group, "found", found.includes(card));
  if (found.length) lookAt(found.map((card) => card.id));
  return found;
}

function pick() {
  const [card] = find();
  if (!card) return;
  if (scale < READABLE) zoomBy(READABLE / scale);
  chosen = card.id;
  show();
  lookAt([card.id]);
}

function forget() {
  get("find").value = "";
  find();
}

function trace(card) {
  for (const [from, to] of [["head", "tail"], ["tail", "head"]]) {
    const reached = new Set([card.id]), waiting = [card.id];
    while (waiting.length) {
      const at = waiting.pop();
      for (const edge of view.edges) {
        if (edge[from] !== at) continue;
        edge.group.classList.add("path");
        if (!reached.has(edge[to])) { reached.add(edge[to]); waiting.push(edge[to]); }
      }
    }
    for (const id of reached) get(id).classList.add("path");
  }
  main.classList.add("traced");
}

function untrace() {
  if (!main.classList.contains("traced")) return;
  main.classList.remove("traced");
  for (const element of main.querySelectorAll(".path")) element.classList.remove("path");
}

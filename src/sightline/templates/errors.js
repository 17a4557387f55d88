"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const place = "sightline errors " + data.key;
  const state = read();

  function read() {
    // A Map: a cause may be called as anything, "__proto__" too.
    const first = { causes: data.causes.slice(), ticked: new Map(Object.entries(data.ticked)) };
    let kept;
    try {
      kept = JSON.parse(localStorage.getItem(place));
    } catch (error) {
      return first;
    }
    const words = (list) => Array.isArray(list) && list.every((word) => typeof word === "string");
    if (!kept || !words(kept.causes) || !Array.isArray(kept.ticked)) return first;
    const sound = kept.ticked.filter((pair) => Array.isArray(pair) && words(pair[1]));
    return { causes: kept.causes, ticked: new Map(sound.map(([row, list]) => [String(row), list])) };
  }

  function keep() {
    const note = document.getElementById("kept");
    try {
      const kept = { causes: state.causes, ticked: [...state.ticked] };
      localStorage.setItem(place, JSON.stringify(kept));
      note.textContent = "Ticks are kept in this browser.";
    } catch (error) {
      note.textContent = "This browser keeps nothing: save the table before you leave.";
    }
  }

  function made(name, words, to) {
    const element = document.createElement(name);
    if (words !== undefined) element.textContent = words;
    if (to) to.append(element);
    return element;
  }

  function ticks(row) {
    return state.ticked.get(String(row)) || [];
  }

  function tick(row, cause, on) {
    const others = ticks(row).filter((word) => word !== cause);
    if (on) others.push(cause);
    if (others.length) state.ticked.set(String(row), others);
    else state.ticked.delete(String(row));
    keep();
    sum();
  }

  function draw() {
    for (const card of document.querySelectorAll("[data-index]")) {
      const row = card.dataset.index;
      const group = card.querySelector(".ticks");
      group.replaceChildren();
      for (const cause of state.causes) {
        const label = made("label", undefined, group);
        const box = made("input", undefined, label);
        box.type = "checkbox";
        box.checked = ticks(row).includes(cause);
        box.addEventListener("change", () => tick(row, cause, box.checked));
        made("span", cause, label);
      }
    }
    sum();
  }

  // The 95 % interval of a share (Wilson 1927), as sightline.metrics has it.
  function wilson(count, n) {
    const z = 1.959963984540054, share = count / n, middle = share + (z * z) / (2 * n);
    const reach = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
    const whole = 1 + (z * z) / n;
    return [Math.max(0, (middle - reach) / whole), Math.min(1, (middle + reach) / whole)];
  }

  function percent(share, digits) {
    return (100 * share).toFixed(digits) + "\u202f%";
  }

  function sum() {
    const looked = data.rows.filter((row) => ticks(row[0]).length).length;
    const error = data.wrong / data.images;
    const counts = state.causes.map((cause) => {
      return [cause, data.rows.filter((row) => ticks(row[0]).includes(cause)).length];
    });
    counts.sort((one, two) => two[1] - one[1]);
    const body = document.getElementById("sums");
    body.replaceChildren();
    for (const [cause, count] of counts) {
      const share = looked ? count / looked : 0;
      const line = made("tr", undefined, body);
      const head = made("th", undefined, line);
      head.scope = "row";
      made("span", cause, head).className = "name";
      if (!data.fixed.includes(cause)) head.append(" ", remover(cause, count));
      made("td", String(count), line);
      const said = made("td", looked ? percent(share, 0) : "–", line);
      if (looked && looked < data.wrong) {
        const [low, high] = wilson(count, looked);
        const between = " (" + percent(low, 0) + " to " + percent(high, 0) + ")";
        made("span", between, said).className = "spare";
      }
      made("td", looked ? percent(error * (1 - share), 2) : "–", line);
      const bar = made("td", undefined, line);
      bar.className = "bar";
      made("i", undefined, bar).style.width = (100 * share).toFixed(1) + "%";
    }
    document.getElementById("looked").textContent = looked + " of " + data.rows.length;
    for (const card of document.querySelectorAll("[data-index]")) {
      card.classList.toggle("done", ticks(card.dataset.index).length > 0);
    }
  }

  function remover(cause, count) {
    const button = made("button", "remove");
    button.type = "button";
    button.addEventListener("click", () => {
      if (count && !confirm("Remove “" + cause + "” and its " + count + " ticks?")) return;
      state.causes = state.causes.filter((word) => word !== cause);
      for (const [row, list] of [...state.ticked]) {
        const others = list.filter((word) => word !== cause);
        if (others.length) state.ticked.set(row, others);
        else state.ticked.delete(row);
      }
      keep();
      draw();
    });
    return button;
  }

  function cell(value) {
    const text = String(value);
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }

  function table() {
    const head = ["index", "source", "truth", "guess", "confidence", ...state.causes];
    const lines = data.rows.map((row) => {
      return [...row, ...state.causes.map((cause) => (ticks(row[0]).includes(cause) ? 1 : ""))];
    });
    return [head, ...lines].map((line) => line.map(cell).join(",") + "\n").join("");
  }

  document.getElementById("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = "tags.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  document.getElementById("add").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("word");
    const cause = field.value.trim();
    if (cause && !state.causes.includes(cause)) {
      state.causes.push(cause);
      keep();
      draw();
    }
    field.value = "";
  });

  document.getElementById("clear").addEventListener("click", () => {
    if (!confirm("Take away all ticks on this page?")) return;
    state.ticked.clear();
    keep();
    draw();
  });

  window.addEventListener("storage", (event) => {
    if (event.key !== place) return; // another window of the same page
    Object.assign(state, read());
    draw();
  });

  document.body.classList.add("live");
  draw();
})();

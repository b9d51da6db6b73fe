// The explorer: a matrix of methods by sequences, their curves, and the frame at the cursor.
// Data come as scripts (`ttvos.report.explorer`), because a page opened from disk may not fetch.
"use strict";
(() => {
  const root = document.getElementById("explore");
  const { sets, attributes: attributeNames } = JSON.parse(root.dataset.explorer);
  const body = root.querySelector(".explore-body");
  const status = root.querySelector(".explore-status");
  const FRAMES_PER_SECOND = 10;
  const AHEAD = 6; // pictures loaded before they are shown
  const FINER = 2; // how much finer a view is than the masks, for a thin contour
  const KEPT = 240; // pictures kept in memory
  const STOPS = ["#00204c", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46"]; // of the matrix
  const OBJECTS = ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"];
  const ERRORS = { missed: "#e69f00", extra: "#3f9be0", other: "#cc79a7" };
  const DIVERGING = ["#053061", "#4393c3", "#f7f7f7", "#d6604d", "#67001f"];
  const RISING = ["#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"];

  // Loading

  const waiting = new Map();
  const loaded = new Map();
  window.ttvosExplorer = (key, data) => waiting.get(key)?.(data);

  function load(key) {
    if (!loaded.has(key)) {
      loaded.set(key, new Promise((done, failed) => {
        waiting.set(key, done);
        const path = "explorer/" + key.split("/").map(encodeURIComponent).join("/") + ".js";
        const script = make("script", { src: path });
        script.onerror = () => failed(new Error(`${path} cannot be loaded: keep it beside this page.`));
        document.head.append(script);
      }));
    }
    return loaded.get(key);
  }

  const pictures = new Map();
  function picture(number) {
    if (!index.pictures) return null;
    const { set, sequence } = state;
    const name = sequence.split("/").map(encodeURIComponent).join("/");
    const path = `explorer/${encodeURIComponent(set)}/frames/${name}/${number}.webp`;
    if (!pictures.has(path)) {
      const image = new Image();
      image.src = path;
      pictures.set(path, image.decode().then(() => image, () => null));
      if (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
    }
    return pictures.get(path);
  }

  // Run lengths: the same as ttvos/report/explorer/run_lengths.py

  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const VALUES = new Map([...DIGITS].map((letter, value) => [letter, value]));

  function fillRuns(text, id, ids) {
    let at = 0, number = 0, place = 1, runs = 0, beforeLast = 0, last = 0;
    for (const letter of text) {
      const digit = VALUES.get(letter);
      number += (digit % 32) * place;
      place *= 32;
      if (digit >= 32) continue;
      const difference = number % 2 ? -(number + 1) / 2 : number / 2;
      const run = difference + (runs > 1 ? beforeLast : 0);
      if (runs % 2) ids.fill(id, at, at + run);
      [at, beforeLast, last, runs, number, place] = [at + run, last, run, runs + 1, 0, 1];
    }
    if (runs % 2) ids.fill(id, at);
  }

  function readIds(objects, size) {
    const ids = new Uint8Array(size);
    for (const [id, text] of Object.entries(objects)) fillRuns(text, Number(id), ids);
    return ids;
  }

  // What is shown

  const state = { set: null, sequence: null, a: null, b: null, frame: 0, attribute: "", layer: "errors" };
  let index = null; // of the data set that is shown
  let parts = {}; // of the page
  let charts = [];
  let timer = null;
  let turn = 0; // of asynchronous drawings; an overtaken one draws nothing

  const points = (value) => (value == null ? "–" : (100 * value).toFixed(1));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const methodOf = (who) => index.methods.find((method) => method.who === who);
  const sequenceOf = (name) => index.sequences.find((sequence) => sequence.name === name);
  const curvesOf = (who) => methodOf(who)?.sequences[state.sequence];
  const lastFrame = () => sequenceOf(state.sequence).frames.length - 1;

  /** J&F of each frame, the mean over the objects; null where it is not scored. */
  function jfSeries(curves) {
    if (!curves?.j) return [];
    return curves.j[0].map((_, t) => {
      const own = curves.j.map((line, o) => [line[t], curves.f[o][t]]).filter(([j]) => j != null);
      return own.length ? mean(own.map(([j, f]) => (j + f) / 2)) : null;
    });
  }

  const atFrame = (lines, t) => {
    const own = (lines ?? []).map((line) => line[t]).filter((value) => value != null);
    return own.length ? mean(own) : null;
  };

  /** Sequences that the attribute leaves, the hardest first. */
  function shownSequences() {
    const kept = index.sequences.filter(
      (one) => !state.attribute || one.attributes.includes(state.attribute));
    const difficulty = (one) => {
      const own = index.methods.flatMap((method) => method.sequences[one.name]?.jf ?? []);
      return own.length ? mean(own) : 2;
    };
    return kept.map((one) => [difficulty(one), one]).sort(([x], [y]) => x - y).map(([, one]) => one);
  }

  /** The same, and the one that is looked at, which the attribute may not leave. */
  function offeredSequences() {
    const shown = shownSequences();
    const own = sequenceOf(state.sequence);
    return shown.includes(own) ? shown : [own, ...shown];
  }

  /** The mean of a method over sequences; null where it lacks one. */
  function meanOver(method, sequences) {
    const own = sequences.map((one) => method.sequences[one.name]?.jf);
    return own.length && own.every((value) => value != null) ? mean(own) : null;
  }

  function bestOther(a, sequence) {
    const others = index.methods.filter((one) => one.who !== a && one.sequences[sequence]);
    others.sort((x, y) => y.sequences[sequence].jf - x.sequences[sequence].jf);
    return others[0]?.who ?? null;
  }

  async function show(wanted, { link = true } = {}) {
    const set = sets.some((one) => one.name === wanted.set) ? wanted.set : state.set ?? sets[0].name;
    const data = await load(`${set}/index`);
    const isNew = set !== state.set;
    if (isNew) [index, state.set, state.attribute] = [data, set, ""];
    const before = { ...state };
    state.sequence = sequenceOf(wanted.sequence ?? state.sequence)?.name ?? shownSequences()[0].name;
    const scored = index.methods.filter((one) => one.sequences[state.sequence]);
    if (!scored.length) throw new Error(`No method has scores on ${state.sequence}.`);
    const known = (who) => scored.find((one) => one.who === who)?.who;
    state.a = known(wanted.a ?? state.a) ?? (scored.find((one) => one.maps.length) ?? scored[0]).who;
    const b = known(wanted.b);
    state.b = b && b !== state.a ? b : bestOther(state.a, state.sequence);
    const frame = Number.isInteger(wanted.frame) ? wanted.frame : lowestFrame();
    state.frame = Math.min(Math.max(frame, 0), lastFrame());
    if (isNew) drawAll();
    else if (["sequence", "a", "b"].some((key) => state[key] !== before[key])) drawChosen();
    await drawFrame();
    if (link) writeLink();
  }

  const told = (error) => {
    status.textContent = error.message;
    status.hidden = false;
  };
  const go = (wanted, options) => show(wanted, options).catch(told);

  // Links: #explore/SET/SEQUENCE/A/B/FRAME

  function writeLink() {
    if (timer) return; // a browser refuses hundreds of them; the last one is written on stopping
    const words = ["explore", state.set, state.sequence, state.a, state.b ?? "-", state.frame];
    history.replaceState(null, "", "#" + words.map(encodeURIComponent).join("/"));
  }

  /** A word of an address; as it stands where it is cut off within a character. */
  function decoded(word) {
    try {
      return decodeURIComponent(word);
    } catch {
      return word;
    }
  }

  function readLink() {
    const words = location.hash.slice(1).split("/");
    if (words[0] !== "explore" || words.length < 2) return null;
    const [, set, sequence, a, b, frame] = words.map(decoded);
    return { set, sequence, a, b, frame: frame ? Number(frame) : null };
  }

  function followLink() {
    const wanted = readLink();
    if (!wanted) return;
    stop();
    go(wanted, { link: false }).then(() => {
      const place = wanted.frame == null ? root : parts.chosen;
      (place ?? root).scrollIntoView({ behavior: "instant" });
      parts.slider?.focus({ preventScroll: true });
    });
  }

  // Building the page

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value != null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  function drawn(tag, attributes = {}, text = "") {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(text);
    return node;
  }

  function choice(label, options, value, onChange) {
    const select = make("select", { onchange: () => onChange(select.value) },
      ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
    return make("label", {}, `${label} `, select);
  }

  function drawAll() {
    const attributes = [...new Set(index.sequences.flatMap((one) => one.attributes))].sort();
    const counted = attributes.map((name) => {
      const count = index.sequences.filter((one) => one.attributes.includes(name)).length;
      return [name, `${name}: ${attributeNames[name] ?? "not explained"} (${count})`];
    });
    const bar = make("div", { class: "explore-bar" });
    if (sets.length > 1) {
      bar.append(choice("Data set", sets.map((one) => [one.name, one.label]), state.set,
        (set) => go({ set, sequence: state.sequence, a: state.a, b: state.b })));
    }
    if (attributes.length) {
      bar.append(choice("Attribute", [["", "all sequences"], ...counted], state.attribute, (name) => {
        state.attribute = name;
        drawMatrix();
      }));
    }
    bar.append(scale());
    parts = {
      matrix: make("div", { class: "explore-matrix scroll" }),
      chosen: make("div", { class: "explore-chosen" }),
    };
    body.replaceChildren(bar, parts.matrix, parts.chosen);
    [body.hidden, status.hidden] = [false, true];
    drawMatrix();
    drawChosen();
  }

  // The matrix

  const lowest = () => {
    const own = index.methods.flatMap((one) => Object.values(one.sequences).map((entry) => entry.jf));
    return Math.min(0.9, Math.floor(10 * Math.min(...own)) / 10);
  };
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  /** A colour between the stops of a scale, at 0 to 1: red, green and blue, 0 to 255. */
  function colourAt(stops, place) {
    const at = Math.min(Math.max(place, 0), 1) * (stops.length - 1);
    const [from, to] = [rgb(stops[Math.floor(at)]), rgb(stops[Math.ceil(at)])];
    return from.map((value, i) => Math.round(value + (to[i] - value) * (at - Math.floor(at))));
  }

  function scale() {
    const ends = [lowest(), 1].map((value) => (100 * value).toFixed(0));
    const shown = make("span", { class: "explore-scale" });
    shown.style.background = `linear-gradient(90deg, ${STOPS.join(", ")})`;
    return make("span", { class: "explore-legend" }, `J&F ${ends[0]} `, shown, ` ${ends[1]}`);
  }

  function drawMatrix() {
    const sequences = shownSequences();
    const methods = index.methods.map((one) => [meanOver(one, sequences), one])
      .sort(([x], [y]) => (y ?? -1) - (x ?? -1));
    const low = lowest();
    const heads = sequences.map((one) => make("th", { scope: "col",
      title: [one.name, ...one.attributes].join(", "), "data-sequence": one.name },
      make("span", {}, one.name)));
    const rows = methods.map(([over, method]) => make("tr", {},
      make("th", { scope: "row", title: method.label }, method.label),
      make("td", { class: "explore-mean" }, points(over)),
      ...sequences.map((one) => cell(method, one, low))));
    const table = make("table", { onkeydown: moveInMatrix },
      make("caption", {}, `J&F of each method on each sequence of ${state.set}, hardest sequence first. `
        + "The mean is over the sequences; the tables' is over the objects."),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Method"),
        make("th", { scope: "col" }, "mean"), ...heads)),
      make("tbody", {}, ...rows));
    parts.matrix.replaceChildren(table);
    markMatrix();
  }

  function cell(method, sequence, low) {
    const value = method.sequences[sequence.name]?.jf;
    if (value == null) return make("td", {}, "–");
    const colour = colourAt(STOPS, (value - low) / (1 - low));
    const isLight = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 128;
    const button = make("button", { type: "button", tabindex: -1, "data-who": method.who,
      "data-sequence": sequence.name, "aria-label":
        `${method.label} on ${sequence.name}: ${points(value)}`,
      onclick: (event) => choose(method.who, sequence.name, event.shiftKey) }, points(value));
    button.style.background = `rgb(${colour})`;
    button.style.color = isLight ? "#000" : "#fff";
    return make("td", {}, button);
  }

  function choose(who, sequence, isSecond) {
    stop();
    const frame = sequence === state.sequence ? state.frame : null; // null: where A is lowest
    if (isSecond) go({ sequence, a: state.a, b: who, frame });
    else go({ sequence, a: who, b: who === state.b ? state.a : state.b, frame });
  }

  function moveInMatrix(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const here = event.target.closest("td");
    if (!step || !here) return;
    event.preventDefault();
    const row = here.parentNode.parentNode.rows[here.parentNode.rowIndex - 1 + step[0]];
    const next = row?.cells[here.cellIndex + step[1]]?.querySelector("button");
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  function markMatrix() {
    const buttons = [...parts.matrix.querySelectorAll("button")];
    for (const button of buttons) {
      const own = button.dataset.sequence === state.sequence;
      const is = (who) => own && button.dataset.who === who;
      button.classList.toggle("is-a", is(state.a));
      button.classList.toggle("is-b", is(state.b));
      button.setAttribute("aria-pressed", String(is(state.a) || is(state.b)));
      button.tabIndex = is(state.a) ? 0 : -1;
    }
    if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) buttons[0].tabIndex = 0;
    for (const head of parts.matrix.querySelectorAll("th[data-sequence]")) {
      head.classList.toggle("is-chosen", head.dataset.sequence === state.sequence);
    }
  }

  // Curves, views and the buttons between them

  function drawChosen() {
    markMatrix();
    const names = [...index.methods].filter((one) => one.sequences[state.sequence])
      .map((one) => [one.who, `${one.label} (${points(one.sequences[state.sequence].jf)})`]);
    const bar = make("div", { class: "explore-bar" },
      choice("Sequence", offeredSequences().map((one) => [one.name, one.name]), state.sequence,
        (sequence) => choose(state.a, sequence, false)),
      choice("A", names, state.a, (who) => choose(who, state.sequence, false)),
      choice("B", names.filter(([who]) => who !== state.a), state.b,
        (who) => choose(who, state.sequence, true)));
    parts.play = make("button", { type: "button", onclick: () => (timer ? stop() : play()) }, "Play");
    parts.frame = make("span", { class: "explore-frame" });
    const tools = make("div", { class: "explore-bar" }, parts.play, parts.frame,
      make("button", { type: "button", onclick: () => seek(lowestFrame()) }, "A's lowest frame"),
      make("button", { type: "button", onclick: () => seek(widestGap()), disabled: !state.b },
        "Where B is furthest ahead"),
      choice("Show", [["errors", "errors"], ["mask", "masks"], ["frame", "frame alone"]], state.layer,
        (layer) => { state.layer = layer; drawFrame(); }));
    const views = make("div", { class: "explore-views" });
    parts.views = ["a", "b"].filter((side) => state[side]).map((side) => view(side, views));
    const stage = make("div", { class: "explore-stage", onkeydown: scrub });
    parts.chosen.replaceChildren(bar, stage);
    charts = [curveChart(stage), ...["a", "b"].flatMap((side) => weightChart(side, stage))];
    parts.legend = legend();
    stage.append(tools, parts.legend, views);
    charts.forEach((chart) => chart.draw());
  }

  function legend() {
    const shown = (colour, text) => {
      const box = make("span", { class: "explore-box" });
      box.style.background = colour;
      return make("span", {}, box, ` ${text}`);
    };
    const several = index.methods.some(
      (one) => Object.values(one.sequences).some((own) => own.objects.length > 1));
    return make("p", { class: "explore-legend explore-errors" },
      make("span", { class: "explore-kinds" },
        shown(ERRORS.missed, "missed"), shown(ERRORS.extra, "extra"),
        ...(several ? [shown(ERRORS.other, "another object's")] : [])),
      make("span", {}, make("span", { class: "explore-box explore-contour" }), " contour of the truth"));
  }

  const seriesOf = (side) => jfSeries(curvesOf(state[side]));

  function lowestFrame() {
    const own = seriesOf("a");
    return own.reduce((best, value, t) =>
      value != null && (best < 0 || value < own[best]) ? t : best, -1);
  }

  function widestGap() {
    const [a, b] = [seriesOf("a"), seriesOf("b")];
    const gap = (t) => (a[t] == null || b[t] == null ? -Infinity : b[t] - a[t]);
    return a.reduce((best, _, t) => (gap(t) > gap(best) ? t : best), 0);
  }

  function seek(frame) {
    stop();
    go({ ...state, frame });
    parts.slider.focus({ preventScroll: true });
  }

  function scrub(event) {
    if (event.target.closest("select, button") && event.key === " ") return;
    if (event.target.closest("select")) return;
    const to = { ArrowLeft: state.frame - 1, ArrowRight: state.frame + 1, PageUp: state.frame - 10,
      PageDown: state.frame + 10, Home: 0, End: lastFrame() }[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || (to == null && event.key !== " ")) return;
    event.preventDefault();
    if (event.key === " ") return timer ? stop() : play();
    stop();
    go({ ...state, frame: to });
  }

  function play() {
    if (state.frame === lastFrame()) state.frame = -1;
    timer = setTimeout(tick);
    parts.play.textContent = "Stop";
  }

  function tick() {
    if (state.frame >= lastFrame()) return stop();
    state.frame += 1;
    const next = () => { if (timer) timer = setTimeout(tick, 1000 / FRAMES_PER_SECOND); };
    drawFrame().then(next, told);
  }

  function stop() {
    if (!timer) return;
    clearTimeout(timer);
    timer = null;
    parts.play.textContent = "Play";
    writeLink();
  }

  // Charts

  function curveChart(stage) {
    const lines = ["a", "b"].filter((side) => state[side])
      .map((side) => ({ name: methodOf(state[side]).label, kind: side, values: seriesOf(side) }));
    const chart = makeChart(stage, lines, { height: 190, title: `J&F in each frame of ${state.sequence}`,
      ticks: [0, 0.25, 0.5, 0.75, 1].map((value) => [value, (100 * value).toFixed(0)]) });
    parts.slider = chart.box;
    for (const [name, value] of [["role", "slider"], ["tabindex", "0"], ["aria-valuemin", "0"],
      ["aria-label", `Frame of ${state.sequence}`], ["aria-valuemax", String(lastFrame())]]) {
      chart.box.setAttribute(name, value);
    }
    chart.tell = (t) => ["a", "b"].filter((side) => state[side]).map((side) => {
      const own = curvesOf(state[side]);
      return [side, `${methodOf(state[side]).label}: J ${points(atFrame(own?.j, t))}, `
        + `F ${points(atFrame(own?.f, t))}, J&F ${points(seriesOf(side)[t])}`];
    });
    return chart;
  }

  /** The update weight and the object's share of the frame; [] of a method without them. */
  function weightChart(side, stage) {
    const own = curvesOf(state[side]);
    if (!own?.weights) return [];
    const top = Math.max(1e-6, ...own.ratios.flat());
    const lines = own.objects.flatMap((id, o) => {
      const of = own.objects.length > 1 ? ` of object ${id}` : "";
      return [
        { name: `weight${of}`, kind: "weight", values: [null, ...own.weights[o]] },
        { name: `share${of}`, kind: "share", values: own.ratios[o].map((share) => share / top) },
      ];
    });
    const chart = makeChart(stage, lines, { height: 130,
      title: `Adaptive update weight of ${methodOf(state[side]).label} (solid, 0 to 1), and the predicted `
        + `object's share of the frame (dashed, 0 to ${(100 * top).toFixed(1)} %)`,
      ticks: [0, 0.5, 1].map((value) => [value, String(value)]) });
    chart.tell = (t) => [["weight", `w ${own.weights.map((line) => line[t - 1]?.toFixed(3) ?? "–").join(", ")}; `
      + `share ${own.ratios.map((line) => (100 * line[t]).toFixed(2)).join(", ")} %`]];
    return [chart];
  }

  /** A chart of frames whose cursor follows `state.frame`; lines: name, kind and values, 0 to 1. */
  function makeChart(stage, lines, { height, title, ticks }) {
    const [left, right, top, bottom] = [34, 10, 8, 20];
    const text = make("p", { class: "explore-readout" });
    const box = make("div", { class: "explore-chart" });
    stage.append(make("p", { class: "explore-title" }, title), box, text);
    const chart = { box, width: 0, tell: () => [] };
    const x = (t) => left + (t / Math.max(1, lastFrame())) * (chart.width - left - right);
    const y = (value) => top + (1 - value) * (height - top - bottom);
    const frameAt = (event) => {
      const place = (event.clientX - box.getBoundingClientRect().left - left) / (chart.width - left - right);
      return Math.min(Math.max(Math.round(place * lastFrame()), 0), lastFrame());
    };
    const path = (values) => values.map((value, t) => (value == null ? "" :
      `${t === 0 || values[t - 1] == null ? "M" : "L"}${x(t).toFixed(1)} ${y(value).toFixed(1)}`)).join("");
    let cursor, hover;
    chart.draw = () => {
      chart.width = Math.max(200, box.clientWidth);
      const svg = drawn("svg", { width: chart.width, height, "aria-hidden": "true" });
      for (const [value, label] of ticks) {
        svg.append(drawn("line", { x1: left, x2: chart.width - right, y1: y(value), y2: y(value), class: "grid" }),
          drawn("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, label));
      }
      const every = Math.max(1, Math.ceil(lastFrame() / (chart.width / 70)));
      for (let t = 0; t <= lastFrame(); t += every) {
        svg.append(drawn("text", { x: x(t), y: height - 4, "text-anchor": "middle" }, String(t)));
      }
      for (const line of [...lines].reverse()) {
        svg.append(drawn("path", { d: path(line.values), class: `line ${line.kind}` }));
      }
      hover = drawn("line", { y1: top, y2: height - bottom, class: "hover" });
      cursor = drawn("line", { y1: top, y2: height - bottom, class: "cursor" });
      svg.append(hover, cursor);
      box.replaceChildren(svg);
      chart.move();
    };
    const at = (line, t) => { line.setAttribute("x1", x(t)); line.setAttribute("x2", x(t)); };
    const say = (t) => text.replaceChildren(`Frame ${t}. `,
      ...chart.tell(t).map(([kind, words]) => make("span", { class: `explore-${kind}` }, words)));
    chart.move = () => {
      if (!cursor) return;
      at(cursor, state.frame);
      at(hover, state.frame);
      say(state.frame);
    };
    box.addEventListener("pointermove", (event) => {
      const t = frameAt(event);
      if (event.buttons & 1) { stop(); go({ ...state, frame: t }); }
      at(hover, t);
      say(t);
    });
    box.addEventListener("pointerleave", () => chart.move());
    box.addEventListener("pointerdown", (event) => {
      if (event.button === 0) { stop(); go({ ...state, frame: frameAt(event) }); }
    });
    return chart;
  }

  // Views: the frame with what a method made of it

  function view(side, views) {
    const [canvas, maps] = [make("canvas", { role: "img" }), make("div", { class: "explore-maps" })];
    const [head, note] = [make("span", { class: "explore-score" }), make("p", { class: "explore-note" })];
    const name = make("b", { class: `explore-${side}` }, `${side.toUpperCase()}: ${methodOf(state[side]).label}`);
    views.append(make("figure", {}, make("figcaption", {}, name, " ", head), canvas, note, maps));
    return { side, canvas, maps, head, note };
  }

  async function drawFrame() {
    const mine = ++turn;
    const { set, sequence, frame } = state;
    const about = sequenceOf(sequence);
    const shows = (side) => methodOf(state[side])?.masks;
    const has = (side) => methodOf(state[side])?.maps.includes(sequence);
    const get = (kind, side, is) => (is ? load(`${set}/${kind}/${state[side]}/${sequence}`) : null);
    const [image, truth, ...found] = await Promise.all([picture(frame), load(`${set}/truth/${sequence}`),
      ...parts.views.flatMap(({ side }) => [get("masks", side, shows(side)), get("maps", side, has(side))])]);
    if (mine !== turn) return;
    const size = about.width * about.height;
    const trueIds = truth[frame] && readIds(truth[frame], size);
    parts.views.forEach((shown, i) => {
      const [masks, maps] = found.slice(2 * i, 2 * i + 2);
      const ids = masks?.[frame] ? readIds(masks[frame], size) : null;
      drawView(shown, about, image, trueIds, ids, frame);
      drawMaps(shown, maps, frame);
    });
    parts.legend.hidden = state.layer === "frame";
    parts.legend.querySelector(".explore-kinds").hidden = state.layer !== "errors";
    parts.frame.textContent = `frame ${frame} of ${lastFrame()} (${about.frames[frame]})`;
    parts.slider.setAttribute("aria-valuenow", String(frame));
    parts.slider.setAttribute("aria-valuetext", `frame ${frame}, `
      + charts[0].tell(frame).map(([, words]) => words).join("; "));
    charts.forEach((chart) => chart.move());
    for (let t = frame + 1; t <= Math.min(frame + AHEAD, lastFrame()); t += 1) picture(t);
  }

  function drawView({ side, canvas, head, note }, about, image, truth, ids, frame) {
    const { width, height } = about;
    const fine = [FINER * width, FINER * height];
    if (canvas.width !== fine[0]) canvas.width = fine[0];
    if (canvas.height !== fine[1]) canvas.height = fine[1];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, ...fine);
    context.imageSmoothingEnabled = true;
    if (image) context.drawImage(image, 0, 0, ...fine);
    const paint = new ImageData(width, height);
    const count = state.layer === "errors" && truth && ids ? paintErrors(paint, truth, ids) : null;
    if (state.layer === "mask" && ids) paintObjects(paint, ids);
    context.imageSmoothingEnabled = false;
    context.drawImage(asCanvas(paint), 0, 0, ...fine);
    if (state.layer !== "frame" && truth) context.drawImage(asCanvas(paintContour(truth, width)), 0, 0);
    const score = seriesOf(side)[frame];
    head.textContent = `J&F ${points(score)}`;
    const why = frame === 0 ? "the given mask, not scored" : "not scored";
    note.textContent = [
      !methodOf(state[side]).masks ? "Only this method's scores are at hand, not its masks." :
        !ids ? "This method has no mask of this frame." : "",
      score == null && ids ? `Frame ${frame}: ${why}.` : "",
      image || !index.pictures ? "" : "The picture of this frame cannot be loaded.",
    ].filter(Boolean).join(" ");
    const told = count ? `, ${count.missed} pixels missed, ${count.extra} extra` : "";
    canvas.setAttribute("aria-label",
      `Frame ${frame} of ${state.sequence}, ${methodOf(state[side]).label}: J&F ${points(score)}${told}`);
    if (count) Object.assign(canvas.dataset, count);
  }

  function asCanvas(paint) {
    const canvas = make("canvas", { width: paint.width, height: paint.height });
    canvas.getContext("2d").putImageData(paint, 0, 0);
    return canvas;
  }

  function put(paint, at, colour, alpha) {
    paint.data.set([...colour, alpha], 4 * at);
  }

  /** Paints what is wrong; returns how many pixels of each kind. */
  function paintErrors(paint, truth, ids) {
    const colours = Object.fromEntries(Object.entries(ERRORS).map(([kind, hex]) => [kind, rgb(hex)]));
    const count = { missed: 0, extra: 0, other: 0 };
    for (let at = 0; at < ids.length; at += 1) {
      if (ids[at] === truth[at]) continue;
      const kind = !ids[at] ? "missed" : !truth[at] ? "extra" : "other";
      count[kind] += 1;
      put(paint, at, colours[kind], 190);
    }
    return count;
  }

  function paintObjects(paint, ids) {
    const colours = OBJECTS.map(rgb);
    ids.forEach((id, at) => { if (id) put(paint, at, colours[(id - 1) % colours.length], 140); });
  }

  /** The contour at twice the size: a white line inside each object, and a dark one around it. */
  function paintContour(truth, width) {
    const paint = new ImageData(FINER * width, (FINER * truth.length) / width);
    const edge = (at, dx, dy, other) => {
      if (truth[at] === truth[other]) return;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let i = 0; i < FINER; i += 1) {
        const [u, v] = dx ? [FINER * x + (dx > 0 ? FINER - 1 : 0), FINER * y + i]
          : [FINER * x + i, FINER * y + (dy > 0 ? FINER - 1 : 0)];
        const isInside = truth[at] > 0;
        put(paint, v * paint.width + u, isInside ? [255, 255, 255] : [0, 0, 0], isInside ? 255 : 130);
      }
    };
    for (let at = 0; at < truth.length; at += 1) {
      if (at % width) edge(at, -1, 0, at - 1);
      if ((at + 1) % width) edge(at, 1, 0, at + 1);
      if (at >= width) edge(at, 0, -1, at - width);
      if (at + width < truth.length) edge(at, 0, 1, at + width);
    }
    return paint;
  }

  function drawMaps({ maps: box }, maps, frame) {
    const kinds = maps ? ["transition", "attention"].filter((kind) => maps[kind]) : [];
    const words = { transition: "transition map: red enters, blue leaves", attention: "attention map" };
    box.replaceChildren(...kinds.map((kind) => {
      const { range, frames } = maps[kind];
      const ends = range.map((end) => end.toFixed(2).replace("-", "−"));
      const text = `${words[kind]} (${ends.join(" to ")})`;
      const caption = make("figcaption", {}, text);
      if (!frame) return make("figure", {}, caption, "Frame 0 has none.");
      const paint = new ImageData(maps.width, maps.height);
      const stops = kind === "transition" ? DIVERGING : RISING;
      const levels = Array.from({ length: 256 }, (_, level) => colourAt(stops, level / 255));
      [...atob(frames[frame - 1])].forEach((byte, at) => put(paint, at, levels[byte.charCodeAt(0)], 255));
      const canvas = asCanvas(paint);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${text}, frame ${frame}`);
      return make("figure", {}, canvas, caption);
    }));
  }

  window.addEventListener("resize", () => charts.forEach((chart) => chart.draw()));
  window.addEventListener("hashchange", followLink);
  if (readLink()) followLink();
  else go({}, { link: false });
})();

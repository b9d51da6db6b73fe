/* Tables that sort, filter, fold and copy. Without this script they stand as they were rendered. */
(() => {
  "use strict";
  const FILTER_FROM = 8; // rows of a table that is worth a filter
  const TEXTS = "clipboard.js"; // beside the page: the texts of the tables' files
  const NAMES = { csv: "CSV", md: "Markdown", tex: "LaTeX" };
  const NUMBER = /^[+\-−]?[\d,]*\.?\d+(\s*±.*)?(\s?[%×])?$/;

  function make(tag, values = {}, ...children) {
    const element = Object.assign(document.createElement(tag), values);
    element.append(...children);
    return element;
  }

  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const dataRows = (table) => [...table.tBodies].flatMap((body) => bodyRows(body));
  const bodyRows = (body) => [...body.rows].filter((row) => !row.classList.contains("section"));

  /* The columns' headings: the last row of the head. */
  const heads = (table) => [...table.tHead.rows[table.tHead.rows.length - 1].cells];

  /* What a cell says, without its interval and the mark of whose number it is. */
  function text(cell) {
    const copy = cell.cloneNode(true);
    copy.querySelectorAll(".ci, .mark, .anchor").forEach((part) => part.remove());
    return copy.textContent.trim();
  }

  const isNothing = (said) => said === "" || said === "–" || said === "not measured";
  const number = (said) => parseFloat(said.replace("−", "-").replaceAll(",", ""));

  /* Sort: ascending for text and descending for numbers, then the other way, then as rendered.
     Rows stay below their group's heading, and rows that say nothing stay last. */

  function makeSortable(table) {
    if (dataRows(table).length < 2) return;
    dataRows(table).forEach((row, index) => { row.dataset.place = index; });
    heads(table).forEach((head, index) => {
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      button.title = "Sort by this column";
      head.append(button);
      button.addEventListener("click", () => turn(table, head, index));
    });
  }

  function turn(table, head, index) {
    const said = dataRows(table).map((row) => text(row.cells[index])).filter((t) => !isNothing(t));
    const isNumeric = said.length > 0 && said.every((one) => NUMBER.test(one));
    const order = isNumeric ? ["descending", "ascending"] : ["ascending", "descending"];
    const next = order[order.indexOf(head.getAttribute("aria-sort")) + 1];
    heads(table).forEach((other) => other.removeAttribute("aria-sort"));
    if (next) head.setAttribute("aria-sort", next);
    const compare = next ? comparison(index, isNumeric, next === "ascending" ? 1 : -1) : byPlace;
    for (const body of table.tBodies) body.append(...bodyRows(body).sort(compare));
  }

  const byPlace = (a, b) => a.dataset.place - b.dataset.place;

  function comparison(index, isNumeric, sign) {
    const words = new Intl.Collator("en", { numeric: true });
    return (a, b) => {
      const [one, other] = [text(a.cells[index]), text(b.cells[index])];
      if (isNothing(one) || isNothing(other)) return isNothing(one) - isNothing(other) || byPlace(a, b);
      const found = isNumeric ? number(one) - number(other) : words.compare(one, other);
      return sign * found || byPlace(a, b);
    };
  }

  /* Filter: only the rows that have every word that was typed, in any of their cells. */

  function makeFilter(table, tools) {
    const rows = dataRows(table);
    if (rows.length < FILTER_FROM) return;
    const label = `Filter: ${table.caption.textContent}`;
    const box = make("input", { type: "search", placeholder: "Filter the lines", className: "filter" });
    box.setAttribute("aria-label", label);
    const count = make("span", { className: "count" });
    count.setAttribute("role", "status");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const said = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => said.includes(word));
      }
      for (const body of table.tBodies) {
        const group = body.querySelector(".section");
        if (group) group.hidden = bodyRows(body).every((row) => row.hidden);
      }
      const left = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${left} of ${plural(rows.length, "line")}` : "";
    });
    tools.append(box, count);
  }

  /* Fold: columns of class "bare" hold no number in any row. */

  function makeFold(table, tools) {
    const bare = heads(table).filter((head) => head.classList.contains("bare"));
    if (!bare.length) return;
    const button = make("button", { type: "button", className: "fold" });
    const show = (isShown) => {
      table.classList.toggle("folded", !isShown);
      fitGroups(table, isShown);
      button.setAttribute("aria-expanded", isShown);
      button.textContent =
        `${isShown ? "Hide" : "Show"} ${plural(bare.length, "column")} without a number`;
    };
    button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
    show(false);
    tools.append(button);
  }

  /* Headings over several columns, and of groups of rows, are as wide as what is shown. */
  function fitGroups(table, isShown) {
    const all = heads(table);
    const isSeen = (head) => isShown || !head.classList.contains("bare");
    let start = 0;
    for (const group of table.querySelectorAll("thead tr.groups > *")) {
      group.dataset.width ||= group.colSpan;
      const width = Number(group.dataset.width);
      const seen = all.slice(start, start + width).filter(isSeen).length;
      group.hidden = seen === 0;
      if (seen) group.colSpan = seen;
      start += width;
    }
    const wide = all.filter(isSeen).length;
    table.querySelectorAll("tr.section > th").forEach((head) => { head.colSpan = wide; });
  }

  /* Copy: the very text of the table's file. Texts are loaded when the first is asked for; a
     script may be loaded from disk, other files may not. */

  let texts = null;

  function load() {
    texts ||= new Promise((resolve, reject) => {
      const script = make("script", { src: TEXTS });
      script.addEventListener("load", () => resolve(window.ttvosTexts));
      script.addEventListener("error", () => { texts = null; reject(new Error(`${TEXTS} is missing`)); });
      document.head.append(script);
    });
    return texts;
  }

  async function put(copied) {
    if (navigator.clipboard) return navigator.clipboard.writeText(copied);
    const area = make("textarea", { value: copied });
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    if (!isDone) throw new Error("the browser refuses");
  }

  function makeCopy(table, tools) {
    const name = table.dataset.name;
    if (!name) return;
    const said = make("span", { className: "count" });
    said.setAttribute("role", "status");
    const menu = make("details", { className: "copy" }, make("summary", {}, "Copy"));
    const list = make("div");
    for (const [ending, label] of Object.entries(NAMES)) {
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", async () => {
        try {
          await put((await load())[name][ending]);
          said.textContent = `Copied ${name}.${ending}`;
        } catch (error) {
          said.textContent = `Not copied: ${error.message}. The file is linked below the table.`;
        }
        menu.open = false;
        menu.querySelector("summary").focus();
      });
      list.append(button);
    }
    menu.append(list);
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape") menu.open = false; });
    tools.append(menu, said);
  }

  /* A shadow at the edge beyond which a table goes on. */

  function makeEdges(scroll) {
    const frame = make("div", { className: "frame" });
    scroll.replaceWith(frame);
    frame.append(scroll);
    const update = () => {
      const rest = scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft;
      frame.classList.toggle("more-left", scroll.scrollLeft > 1);
      frame.classList.toggle("more-right", rest > 1);
    };
    scroll.addEventListener("scroll", update, { passive: true });
    const observer = new ResizeObserver(update);
    observer.observe(scroll);
    observer.observe(scroll.firstElementChild);
    return frame;
  }

  /* Links to rows: each first cell gets one; a followed one shows its row whatever is filtered. */

  function makeAnchors(table) {
    for (const row of dataRows(table).filter((one) => one.id)) {
      const link = make("a", { className: "anchor", href: `#${row.id}` }, "#");
      link.setAttribute("aria-label", `Link to this line: ${text(row.cells[0])}`);
      row.cells[0].append(" ", link);
    }
  }

  function follow() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    if (target.hidden) {
      const box = target.closest(".frame").previousElementSibling.querySelector(".filter");
      box.value = "";
      box.dispatchEvent(new Event("input"));
    }
    const block = target.tagName === "TR" ? "center" : "start";
    target.scrollIntoView({ block, behavior: "instant" });
  }

  document.querySelectorAll("figure .wide").forEach(makeEdges);
  for (const scroll of document.querySelectorAll(".scroll")) {
    const frame = makeEdges(scroll);
    const table = scroll.querySelector("table.data");
    if (!table) continue;
    const tools = make("div", { className: "tools" });
    makeSortable(table);
    makeFilter(table, tools);
    makeFold(table, tools);
    makeCopy(table, tools);
    makeAnchors(table);
    if (tools.children.length) frame.before(tools);
  }
  window.addEventListener("hashchange", follow);
  follow();
})();

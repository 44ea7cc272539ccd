// Live tables: sorted, filtered, and calm. A row never moves while somebody points at the table, has the
// focus in it or has a row open; what changed meanwhile is offered as a button.
//
// Hundreds of rows cost little: only so many are in the page until all are asked for, only rows that are
// seen are written each time (the others by turns), and only texts that have changed.

import { h } from "./dom.js";
import { plural } from "./format.js";

/** How long rows stay where they are after a pointer was over them, in milliseconds. */
const CALM = 3000;
/** How often rows are put in order by themselves. */
const ORDER_EACH = 5000;
/** How many rows are in the page until all are asked for. */
const AT_FIRST = 100;
/** In how many turns the rows that are not seen are written. */
const TURNS = 10;

/**
 * A table in its section: heading, filter, rows.
 *
 * `columns`: `[{ key, label, title?, numeric?, sort(row)?, text(row)?, cell()?: { element, show(row, visible) } }]`;
 * the first column names the row. `options`:
 * - `id`, `heading`, `noun` (`["service", "services"]`), `empty`: an element shown when there is no row;
 * - `name(row)`: what makes a row the same row; `words(row)`: what the filter looks in;
 * - `sort`: the key it is sorted by at first, largest first;
 * - `detail(row)?`: `{ element, show(row), close() }`, what a row opens; `opened(name | null)` is told;
 * - `changed({ filter, key, descending })?`: told when the reader changes what is shown.
 */
export function table(columns, options) {
  const rows = new Map();
  const order = { key: options.sort, descending: true };
  const one = options.noun[0];
  let filter = "";
  let open = null;
  // Until when rows stay where they are.
  let calm = 0;
  let arranged = 0;
  let most = AT_FIRST;
  let turn = 0;

  const heads = columns.map((column) => h("th", { scope: "col", class: column.numeric ? "num" : null },
    column.sort
      ? h("button", { type: "button", title: column.title, on: { click: () => sortByReader(column) } }, column.label)
      : column.label));
  const body = h("tbody");
  const element = h("table", { class: "data live" },
    h("caption", { class: "visually-hidden" }, options.heading),
    h("thead", null, h("tr", null, heads)),
    body);
  const region = h("div", { class: "table-scroll", role: "region", tabindex: "0", "aria-label": `Table of ${options.noun[1]}` }, element);

  const count = h("span", { class: "tag" });
  const told = h("span", { class: "visually-hidden", role: "status" });
  const search = h("input", {
    type: "search",
    placeholder: `Filter ${options.noun[1]}`,
    "aria-label": `Filter ${options.noun[1]} by name`,
    autocomplete: "off",
    spellcheck: "false",
  });
  const again = h("button", {
    type: "button",
    class: "quiet table-again",
    title: "Rows stay where they are while you point at them or have one open",
  }, "Sort again");
  const nothing = h("p", { class: "muted table-nothing" });
  const all = h("button", { type: "button", class: "quiet", hidden: true });
  const section = h("section", { class: "stack live-section", "aria-labelledby": options.id },
    h("div", { class: "table-bar" },
      h("h2", { id: options.id }, options.heading), count, again, search, told),
    region, nothing, all, options.empty);

  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = rows.get(target.dataset.name);
      if (row?.tr !== target) continue;
      row.visible = isIntersecting;
      if (isIntersecting) row.cells.forEach((cell) => cell.show(row.data, true));
    }
  }, { rootMargin: "200px" });

  search.addEventListener("input", () => {
    filterBy(search.value);
    tellReader();
    told.textContent = `${[...rows.values()].filter(matches).length} of ${plural(rows.size, ...options.noun)}`;
  });
  all.addEventListener("click", () => {
    most = Infinity;
    arrange();
  });
  again.addEventListener("click", () => {
    arrange();
    search.focus({ preventScroll: true });
  });
  // A finger has no hover: it has gone once it is lifted.
  const point = (event) => {
    calm = event.pointerType === "mouse" && event.type !== "pointerleave" ? Infinity : Date.now() + CALM;
  };
  for (const type of ["pointerenter", "pointermove", "pointerleave"]) body.addEventListener(type, point);
  const scrolled = () => (calm = Math.max(calm, Date.now() + CALM));
  addEventListener("scroll", scrolled, { passive: true });
  region.addEventListener("scroll", scrolled, { passive: true });

  body.addEventListener("keydown", (event) => {
    const button = event.target.closest(".row-open");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!button || !step) return;
    const buttons = [...body.querySelectorAll(".row-open")];
    buttons[buttons.indexOf(button) + step]?.focus();
    event.preventDefault();
  });
  body.addEventListener("click", (event) => {
    const tr = event.target.closest("tr");
    if (!options.detail || !tr?.dataset.name || event.target.closest("a, input, label")) return;
    // A click that ends the marking of text is not meant for the row.
    if (!event.target.closest(".row-open") && String(getSelection())) return;
    toggle(tr.dataset.name);
  });

  function held() {
    return open !== null || Date.now() < calm || body.contains(document.activeElement);
  }

  function tellReader() {
    options.changed?.({ filter, ...order });
  }

  function sortByReader(column) {
    // Numbers begin with the largest, names with the first.
    const descending = order.key === column.key ? !order.descending : column.numeric === true;
    sortBy(column.key, descending);
    tellReader();
  }

  function sortBy(key, descending) {
    if (!columns.some((column) => column.key === key && column.sort)) return;
    Object.assign(order, { key, descending });
    if (rows.size > 0) arrange();
  }

  function filterBy(text) {
    filter = text.trim();
    if (search.value !== text) search.value = text;
    if (rows.size > 0) arrange();
  }

  function matches(row) {
    const words = options.words(row.data).toLowerCase();
    return filter.toLowerCase().split(/\s+/).every((word) => words.includes(word));
  }

  function sorted() {
    const column = columns.find(({ key }) => key === order.key);
    const sign = order.descending ? -1 : 1;
    const keyed = [...rows.values()].map((row) => ({ row, by: column.sort(row.data) }));
    keyed.sort((a, b) => {
      // What is not known comes last, either way.
      const unknown = (a.by == null) - (b.by == null);
      const by = a.by == null || b.by == null ? 0 : sign * compare(a.by, b.by);
      return unknown || by || compare(a.row.name, b.row.name);
    });
    return keyed.map(({ row }) => row);
  }

  /** The rows that are to be in the page, in order. */
  function wanted() {
    const matching = sorted().filter(matches);
    const list = matching.slice(0, most);
    const opened = rows.get(open);
    if (opened && !list.includes(opened)) list.push(opened);
    return { list, matching: matching.length };
  }

  /** Brings the rows of the page into order; those that have gone are left out. */
  function arrange() {
    arranged = Date.now();
    for (const row of rows.values()) if (row.gone && row.name !== open) rows.delete(row.name);
    const { list, matching } = wanted();
    const kept = new Set();
    let at = body.firstChild;
    for (const row of list) {
      row.tr ?? build(row);
      for (const tr of row.detail ? [row.tr, row.detail.tr] : [row.tr]) {
        kept.add(tr);
        if (tr === at) at = at.nextSibling;
        else body.insertBefore(tr, at);
      }
    }
    for (const tr of [...body.children]) if (!kept.has(tr)) tr.remove();
    columns.forEach((column, index) => {
      const by = column.key === order.key ? (order.descending ? "descending" : "ascending") : null;
      if (by) heads[index].setAttribute("aria-sort", by);
      else heads[index].removeAttribute("aria-sort");
    });
    offer(false);
    tally(matching);
  }

  function offer(is) {
    again.classList.toggle("offered", is);
    again.disabled = !is;
  }

  function isOutOfOrder() {
    const now = [...body.children].filter((tr) => tr.dataset.name !== undefined);
    const { list } = wanted();
    return list.length !== now.length || list.some((row, index) => row.tr !== now[index] || row.gone);
  }

  function tally(matching) {
    const text = filter ? `${matching} of ${rows.size}` : String(rows.size);
    if (count.textContent !== text) count.textContent = text;
    const why = rows.size > 0 && matching === 0 ? `No ${one} has “${filter}” in its name.` : "";
    if (nothing.textContent !== why) nothing.textContent = why;
    nothing.hidden = why === "";
    region.hidden = matching === 0;
    search.hidden = count.hidden = rows.size === 0;
    all.hidden = matching <= most;
    if (!all.hidden) all.textContent = `Show all ${plural(matching, ...options.noun)}`;
    if (options.empty) options.empty.hidden = rows.size > 0;
  }

  function build(row) {
    row.cells = columns.map(cellOf);
    row.tr = h("tr", { data: { name: row.name } }, row.cells.map((cell) => cell.element));
    row.cells.forEach((cell) => cell.show(row.data, false));
    watcher.observe(row.tr);
  }

  function cellOf(column, index) {
    const props = { class: column.numeric ? "num" : null, data: { label: column.label } };
    if (column.cell) {
      const { element, show } = column.cell();
      return { element: h("td", props, element), show };
    }
    const text = document.createTextNode("");
    const show = (data) => {
      const now = column.text(data);
      if (text.data !== now) text.data = now;
    };
    if (index > 0) return { element: h("td", props, text), show };
    const path = h("span", { class: "path" }, text);
    const name = options.detail ? h("button", { type: "button", class: "row-open", "aria-expanded": "false" }, path) : path;
    return { element: h("th", { scope: "row" }, name), show };
  }

  function toggle(name) {
    const was = open;
    if (open !== null) shut(rows.get(open));
    if (was !== name) reveal(rows.get(name));
    options.opened?.(open);
  }

  function reveal(row) {
    const detail = options.detail(row.data);
    const cell = h("td", { colspan: columns.length }, h("div", { class: "row-detail" }, detail.element));
    row.detail = { ...detail, tr: h("tr", { class: "detail-row" }, cell) };
    row.tr.after(row.detail.tr);
    mark(row, true);
    open = row.name;
  }

  function shut(row) {
    row.detail.close();
    row.detail.tr.remove();
    row.detail = null;
    mark(row, false);
    open = null;
  }

  function mark(row, is) {
    row.tr.classList.toggle("open", is);
    row.tr.querySelector(".row-open").setAttribute("aria-expanded", String(is));
  }

  return {
    element: section,
    /** All rows as they are now. */
    show(list) {
      const seen = new Set();
      list.forEach((data, index) => {
        const name = options.name(data);
        seen.add(name);
        const row = rows.get(name) ?? { name, tr: null, cells: [], visible: false, detail: null };
        rows.set(name, Object.assign(row, { data, gone: false }));
        if (row.visible || index % TURNS === turn) row.cells.forEach((cell) => cell.show(data, row.visible));
        row.detail?.show(data);
      });
      turn = (turn + 1) % TURNS;
      for (const [name, row] of rows) {
        row.gone = !seen.has(name);
        row.tr?.classList.toggle("gone", row.gone);
      }
      if (arranged === 0 || (!held() && Date.now() - arranged >= ORDER_EACH)) arrange();
      else {
        offer(isOutOfOrder());
        tally(filter ? [...rows.values()].filter(matches).length : rows.size);
      }
    },
    sortBy,
    filterBy,
    /** Opens a row, if there is one of this name. */
    open(name) {
      if (!rows.has(name) || open === name) return;
      open = name;
      arrange();
      reveal(rows.get(name));
    },
  };
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Charts over time, drawn as SVG: sparklines, and charts with axes, units and a cursor.
//
// A chart's values are arrays, oldest first, one value each `interval`; null is "not known" and leaves a
// gap. The cursor stands at a moment, not at a place: it keeps to it while the values move on. Charts of
// one group share it.

import { h, s } from "./dom.js";
import { clock } from "./format.js";

/** The height of a chart, in CSS pixels, and the room for its axes. */
const HEIGHT = 148;
const ROOM = { top: 8, right: 12, bottom: 22, left: 56 };
/** How far the keys for a page move the cursor, in samples. */
const PAGE = 30;

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/** Round numbers from `low` to at least `high`, about `count` steps apart. */
export function ticks(low, high, count = 4) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const list = [];
  for (let n = 0; n <= count + 2; n++) {
    // Without the noise of binary fractions, so that labels are as round as the numbers.
    const value = Number((low + n * step).toPrecision(12));
    list.push(value);
    if (value >= high) break;
  }
  return list;
}

/** A path through the values; a value between two gaps is a dot. */
export function line(values, x, y) {
  let path = "";
  let open = false;
  values.forEach((value, index) => {
    if (value == null) {
      open = false;
      return;
    }
    const at = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    const alone = !open && values[index + 1] == null;
    path += alone ? `M${at}h.01` : `${open ? "L" : "M"}${at}`;
    open = true;
  });
  return path;
}

/**
 * A small picture of how a value went, without axes: decoration beside the number itself.
 * `show(values)` draws up to `length` values, the newest at the right edge.
 */
export function sparkline(length = 60, width = 96, height = 24) {
  const area = s("path", { class: "spark-area" });
  const stroke = s("path", { class: "spark-line" });
  const element = s("svg", {
    class: "spark",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    "aria-hidden": "true",
    focusable: "false",
  });
  element.append(area, stroke);
  return {
    element,
    show(values) {
      const shown = values.slice(-length);
      const most = Math.max(...shown.map((value) => value ?? 0), 0) || 1;
      const step = (width - 2) / (length - 1);
      const x = (index) => width - 1 - (shown.length - 1 - index) * step;
      const y = (value) => height - 2 - (value / most) * (height - 4);
      const path = line(shown, x, y);
      set(stroke, { d: path });
      const whole = shown.length > 1 && shown.every((value) => value != null);
      set(area, {
        d: whole ? `${path}L${x(shown.length - 1).toFixed(1)} ${height}L${x(0).toFixed(1)} ${height}Z` : "",
      });
    },
  };
}

/**
 * A group of charts with one cursor. Each of `specs` is
 * `{ title, series: [{ key, label, style }], format, axis?, bounds? }`: `format` writes a value with its
 * unit, `axis` one at the axis, `bounds(values)` gives the least and the largest value of the axis.
 *
 * `show({ at, interval, length, values })`: `values[key]` is an array, `at` the time of its newest.
 */
export function charts(specs) {
  let data = { at: 0, interval: 1000, length: 300, values: {} };
  // The moment that the cursor is at, or null for none.
  let moment = null;
  const group = {
    get data() {
      return data;
    },
    get moment() {
      return moment;
    },
    move(to) {
      moment = to;
      all.forEach((one) => one.draw());
    },
  };
  const all = specs.map((spec) => chart(spec, group));
  const element = h("div", { class: "charts", data: { count: all.length } }, all.map((one) => one.element));
  return {
    element,
    show(next) {
      data = next;
      const oldest = data.at - (data.length - 1) * data.interval;
      if (moment !== null && moment < oldest) moment = null;
      all.forEach((one) => one.draw());
    },
    close() {
      all.forEach((one) => one.close());
    },
  };
}

function chart(spec, group) {
  const { title, series, format } = spec;
  const axis = spec.axis ?? format;
  const bounds = spec.bounds ?? ((values) => [0, Math.max(...values, 0)]);

  const readings = series.map(() => document.createTextNode("–"));
  const when = h("span", { class: "chart-when" }, "");
  const legend = h("div", { class: "chart-legend" },
    ...series.map((one, index) => {
      const swatch = s(
        "svg",
        { class: `chart-swatch ${one.style}`, width: 18, height: 8, viewBox: "0 0 18 8", "aria-hidden": "true" },
        s("path", { d: "M1 4H17" }),
      );
      const value = h("b", { class: "chart-value" }, readings[index]);
      return h("span", { class: "chart-key" }, swatch, one.label ? `${one.label} ` : "", value);
    }),
    when,
  );

  const grid = s("g", { class: "chart-grid" });
  const labels = s("g", { class: "chart-labels" });
  const lines = series.map((one) => s("path", { class: `chart-line ${one.style}` }));
  const cursor = s("path", { class: "chart-cursor" });
  const dots = series.map((one) => s("circle", { class: `chart-dot ${one.style}`, r: 3 }));
  const none = s("text", { class: "chart-none", "text-anchor": "middle" }, "nothing yet");
  const picture = s("svg", { class: "chart-picture", height: HEIGHT, "aria-hidden": "true", focusable: "false" });
  picture.append(grid, labels, ...lines, cursor, ...dots, none);

  const plot = h("div", { class: "chart-plot" }, picture);
  plot.tabIndex = 0;
  plot.setAttribute("role", "slider");
  plot.setAttribute("aria-label", `${title}: values over time`);
  plot.setAttribute("aria-valuemin", "0");
  const heading = h("figcaption", { class: "chart-title" }, title);
  const element = h("figure", { class: "chart" }, heading, legend, plot);

  let width = 0;
  const watcher = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    draw();
  });
  watcher.observe(plot);

  const inner = () => Math.max(width - ROOM.left - ROOM.right, 1);
  const last = () => group.data.length - 1;
  const x = (index) => ROOM.left + (index / last()) * inner();
  // Values may be fewer than the chart is wide: the newest is at the right edge.
  const values = (key) => {
    const own = (group.data.values[key] ?? []).slice(-group.data.length);
    return Array(group.data.length - own.length).fill(null).concat(own);
  };
  const place = () => {
    if (group.moment === null) return null;
    const index = last() - Math.round((group.data.at - group.moment) / group.data.interval);
    return index >= 0 && index <= last() ? index : null;
  };
  const moment = (index) => group.data.at - (last() - index) * group.data.interval;

  function draw() {
    if (width === 0) return;
    const all = series.map((one) => values(one.key));
    const known = all.flat().filter((value) => value != null);
    const [low, high] = bounds(known);
    const marks = ticks(low, Math.max(high, low + (spec.least ?? 1e-9)));
    const top = marks[marks.length - 1];
    const y = (value) => {
      const share = (Math.min(Math.max(value, low), top) - low) / (top - low);
      return HEIGHT - ROOM.bottom - share * (HEIGHT - ROOM.top - ROOM.bottom);
    };
    set(picture, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
    all.forEach((own, index) => set(lines[index], { d: line(own, x, y) }));
    drawAxes(marks, y);
    none.style.display = known.length === 0 ? "" : "none";
    set(none, { x: ROOM.left + inner() / 2, y: HEIGHT / 2 });
    drawCursor(all, y);
  }

  function drawAxes(marks, y) {
    const drawn = [];
    let path = "";
    for (const mark of marks) {
      path += `M${ROOM.left} ${Math.round(y(mark)) + 0.5}H${width - ROOM.right}`;
      drawn.push({ x: ROOM.left - 8, y: y(mark) + 4, anchor: "end", text: axis(mark) });
    }
    const bottom = HEIGHT - ROOM.bottom;
    for (const time of minutes()) {
      const at = x(last() - (group.data.at - time) / group.data.interval);
      path += `M${Math.round(at) + 0.5} ${bottom}v4`;
      drawn.push({ x: at, y: HEIGHT - 5, anchor: "middle", text: minute(time) });
    }
    let lineOfGrid = grid.firstChild;
    if (!lineOfGrid) lineOfGrid = grid.appendChild(s("path"));
    set(lineOfGrid, { d: path });
    while (labels.childNodes.length > drawn.length) labels.lastChild.remove();
    drawn.forEach((label, index) => {
      const node = labels.childNodes[index] ?? labels.appendChild(s("text", {}, ""));
      set(node, { x: label.x.toFixed(1), y: label.y.toFixed(1), "text-anchor": label.anchor });
      if (node.textContent !== label.text) node.textContent = label.text;
    });
  }

  /** The full minutes that have room for their label, no closer than the labels are wide. */
  function minutes() {
    const { at, interval } = group.data;
    const oldest = at - last() * interval;
    const each = [60, 120, 300, 600].find((n) => (n * 1000 * inner()) / (at - oldest) >= 64) ?? 600;
    const list = [];
    const step = each * 1000;
    for (let time = Math.ceil(oldest / step) * step; time <= at; time += step) {
      const from = x(last() - (at - time) / interval);
      if (from >= ROOM.left + 16 && from <= width - 20) list.push(time);
    }
    return list;
  }

  function drawCursor(all, y) {
    const index = place();
    const shown = index ?? newest(all);
    series.forEach((_, at) => {
      const value = shown === null ? null : all[at][shown];
      const text = value == null ? "–" : format(value);
      if (readings[at].data !== text) readings[at].data = text;
      const dotted = index !== null && value != null;
      dots[at].style.display = dotted ? "" : "none";
      if (dotted) set(dots[at], { cx: x(index).toFixed(1), cy: y(value).toFixed(1) });
    });
    cursor.style.display = index === null ? "none" : "";
    if (index !== null) {
      set(cursor, { d: `M${Math.round(x(index)) + 0.5} ${ROOM.top}V${HEIGHT - ROOM.bottom}` });
    }
    const text = index === null ? "" : clock(moment(index));
    if (when.textContent !== text) when.textContent = text;
    plot.setAttribute("aria-valuemax", String(last()));
    plot.setAttribute("aria-valuenow", String(shown ?? last()));
    if (!plot.hasAttribute("aria-valuetext")) say(all, shown);
  }

  /** The last sample in which anything is known. */
  function newest(all) {
    for (let index = last(); index >= 0; index--) {
      if (all.some((own) => own[index] != null)) return index;
    }
    return null;
  }

  /** What a screen reader says of the cursor; only when a key has moved it, not each second. */
  function say(all, index) {
    const at = index ?? last();
    const told = series.map((one, n) => {
      const value = all[n][at];
      return `${one.label ? `${one.label} ` : ""}${value == null ? "not known" : format(value)}`;
    });
    plot.setAttribute("aria-valuetext", `${clock(moment(at))}: ${told.join(", ")}`);
  }

  function moveTo(index) {
    const bounded = Math.min(Math.max(index, 0), last());
    group.move(moment(bounded));
    say(
      series.map((one) => values(one.key)),
      bounded,
    );
  }

  plot.addEventListener("pointermove", (event) => {
    const from = event.clientX - plot.getBoundingClientRect().left - ROOM.left;
    const index = Math.round((from / inner()) * last());
    group.move(moment(Math.min(Math.max(index, 0), last())));
  });
  plot.addEventListener("pointerleave", () => {
    if (document.activeElement !== plot) group.move(null);
  });
  plot.addEventListener("blur", () => group.move(null));
  plot.addEventListener("keydown", (event) => {
    const now = place() ?? last();
    const to = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      PageDown: now - PAGE,
      PageUp: now + PAGE,
      Home: 0,
      End: last(),
    }[event.key];
    if (to !== undefined) moveTo(to);
    else if (event.key === "Escape" && group.moment !== null) group.move(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return { element, draw, close: () => watcher.disconnect() };
}

/** The hour and minute of a time, for the axis. */
function minute(time) {
  return clock(time).replace(/:\d\d$/, "");
}

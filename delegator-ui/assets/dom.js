// Builds elements. Whatever comes from outside becomes a text node or an attribute's value, never
// markup, so no text of a router, a header or a person can become a part of the page.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `h("p", { class: "muted" }, "some ", h("b", null, "text"))`. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** A text node. */
export function text(value) {
  return document.createTextNode(value ?? "");
}

/** Puts these in the place of all that is in an element. */
export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** The element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Brings the children of `parent` into the order of `items` and keeps those that are there already,
 * by their keys: an element that stays keeps its focus, its scroll position and its state.
 *
 * `create(item)` makes an element, `update(element, item)` is called for every one.
 */
export function reconcile(parent, items, keyOf, create, update) {
  const present = new Map();
  for (const child of parent.children) present.set(child.reconcileKey, child);
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = present.get(key);
    if (element) {
      present.delete(key);
    } else {
      element = create(item);
      element.reconcileKey = key;
    }
    update?.(element, item);
    if (element === next) {
      next = next.nextElementSibling;
    } else {
      parent.insertBefore(element, next);
    }
  }
  for (const gone of present.values()) gone.remove();
}

function fill(element, props, children) {
  for (const name in props) set(element, name, props[name]);
  append(element, children);
  return element;
}

/** Thousands of elements are made by this, so it makes no lists of its own. */
function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") element.setAttribute("class", value);
  else if (name === "text") element.append(text(value));
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "on") {
    for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
  } else if (name === "style") {
    for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
  } else if (name === "value" && "value" in element) element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

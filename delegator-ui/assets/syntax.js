// The text of a dtab as an editor sees it: what has a colour, what is being typed, what has changed.
// Whether it is right is the router's to say.

const TOKEN = /(#[^\n]*)|(=>)|((?:\/(?:\*|[0-9A-Za-z_:.#$%\\-]*))+)|(\d+\.?\d*|\.\d+)|([|&*();!~$])/g;
const NAME = /(?:\/(?:\*|[0-9A-Za-z_:.#$%\\-]*))+$/;
/** No name is longer that is looked at for what to offer. */
const MAX_NAME = 1000;
/** With more pairs of lines to compare than this, all of them count as changed. */
const MAX_COMPARED = 2_000_000;

/** What a router resolves without any namer, to be offered. */
export const BUILT_IN = [
  "/$/inet",
  "/$/nil",
  "/$/fail",
  "/$/io.buoyant.rinet",
  "/$/io.buoyant.hostportPfx",
  "/$/io.buoyant.porthostPfx",
  "/$/io.buoyant.http.anyHostPfx",
  "/$/io.buoyant.http.anyMethodPfx",
  "/$/io.buoyant.http.domainToPathPfx",
  "/$/io.buoyant.http.subdomainOfPfx",
  "/$/io.buoyant.http.status",
];

/** The tokens of a text that have a colour: `{kind, start, end}`. `isLeft`: it begins left of an arrow. */
export function tokens(text, isLeft = true) {
  const found = [];
  for (const match of text.matchAll(TOKEN)) {
    const [all, comment, arrow, path, weight, operator] = match;
    if (arrow) isLeft = false;
    if (operator === ";") isLeft = true;
    const kind =
      (comment && "comment") ||
      (arrow && "arrow") ||
      (path && (isLeft ? "prefix" : path.startsWith("/#") || path.startsWith("/$") ? "found" : "name")) ||
      (weight && "weight") ||
      "operator";
    found.push({ kind, start: match.index, end: match.index + all.length, isLeft });
  }
  return found;
}

/**
 * A text line by line: `{text, start, isLeft, tokens}`. No token goes over the end of a line, but an
 * entry may.
 */
export function lines(text) {
  let start = 0;
  let isLeft = true;
  return text.split("\n").map((line) => {
    const found = tokens(line, isLeft);
    const read = { text: line, start, isLeft, tokens: found };
    isLeft = found.at(-1)?.isLeft ?? isLeft;
    start += line.length + 1;
    return read;
  });
}

/** The name that ends at a caret, and whether it is left of an arrow; null in a comment. */
export function nameBefore(text, caret) {
  const before = text.slice(0, caret);
  const line = lines(before).at(-1);
  const last = line.tokens.at(-1);
  if (last?.kind === "comment") return null;
  const name = NAME.exec(before.slice(-MAX_NAME))?.[0] ?? "";
  return { name, isLeft: last?.isLeft ?? line.isLeft };
}

/** The prefixes that a text has entries for. */
export function prefixes(text) {
  const all = tokens(text).filter(({ kind }) => kind === "prefix");
  return [...new Set(all.map(({ start, end }) => text.slice(start, end)))];
}

/**
 * What may be meant: `{word, kind}`, those that fit the side of the arrow first. `words` is as
 * `/dtab/words.json` has it.
 */
export function offers(text, caret, words, most) {
  const at = nameBefore(text, caret);
  if (!at) return { name: "", offered: [] };
  const { name, isLeft } = at;
  const of = (kind, list) => list.map((word) => ({ word, kind }));
  const here = of("prefix", [...words.prefixes, ...prefixes(text)]);
  const known = of("name", words.names);
  const all = isLeft
    ? [...here, ...known]
    : [...of("namer", words.namers), ...of("found", words.bound), ...here, ...of("built in", BUILT_IN), ...known];
  const seen = new Set([name]);
  const offered = [];
  for (const one of all) {
    if (offered.length === most) break;
    if (seen.has(one.word) || !one.word.startsWith(name)) continue;
    seen.add(one.word);
    offered.push(one);
  }
  return { name, offered };
}

/** The numbers of lines, from 0, that one text has and the other has not: `{removed, added}`. */
export function changedLines(before, after) {
  const [one, other] = [before.split("\n"), after.split("\n")];
  let first = 0;
  while (first < Math.min(one.length, other.length) && one[first] === other[first]) first += 1;
  let [end, otherEnd] = [one.length, other.length];
  while (end > first && otherEnd > first && one[end - 1] === other[otherEnd - 1]) {
    end -= 1;
    otherEnd -= 1;
  }
  const [rows, columns] = [end - first, otherEnd - first];
  const removed = new Set(Array.from({ length: rows }, (_, nth) => first + nth));
  const added = new Set(Array.from({ length: columns }, (_, nth) => first + nth));
  if (rows * columns > MAX_COMPARED) return { removed, added };
  // The longest common part, by how long it is from each place to the end.
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  for (let row = rows - 1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        one[first + row] === other[first + column]
          ? lengths[(row + 1) * width + column + 1] + 1
          : Math.max(lengths[(row + 1) * width + column], lengths[row * width + column + 1]);
    }
  }
  for (let row = 0, column = 0; row < rows && column < columns; ) {
    if (one[first + row] === other[first + column]) {
      removed.delete(first + row);
      added.delete(first + column);
      row += 1;
      column += 1;
    } else if (lengths[(row + 1) * width + column] >= lengths[row * width + column + 1]) row += 1;
    else column += 1;
  }
  return { removed, added };
}

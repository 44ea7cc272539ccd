// Where the nodes of a tree stand when it is drawn from left to right: a tidy tree. A node stands in
// the middle of its children, subtrees are moved as close as their outlines allow, and the picture
// of a subtree is the same wherever it is.

/** Space between columns, and between nodes of one column. */
const COLUMN_GAP = 56;
const ROW_GAP = 12;

/**
 * Gives every node its place: a map from node to `{x, y, width, height}`, and the size of all.
 * `size(node)` says how large a node is drawn, `below(node)` which children it has in this drawing.
 * The cost is the number of nodes times their depth.
 */
export function layout(root, size, below = ({ children }) => children) {
  const boxes = new Map();
  const columns = [];
  measure(root, 0, { size, below, boxes, columns });
  arrange(root, boxes);

  const lefts = [];
  let x = 0;
  for (const width of columns) {
    lefts.push(x);
    x += width + COLUMN_GAP;
  }
  const total = { width: Math.max(0, x - COLUMN_GAP), height: 0 };
  let top = Infinity;
  settle(root, 0, 0, boxes, lefts);
  for (const box of boxes.values()) top = Math.min(top, box.y);
  for (const box of boxes.values()) {
    box.y -= top;
    total.height = Math.max(total.height, box.y + box.height);
  }
  return { boxes, ...total };
}

function measure(node, depth, drawing) {
  const { size, below, boxes, columns } = drawing;
  const { width, height } = size(node);
  const children = below(node);
  boxes.set(node, { x: 0, y: 0, width, height, offset: 0, children });
  columns[depth] = Math.max(columns[depth] ?? 0, width);
  for (const child of children) measure(child, depth + 1, drawing);
}

/**
 * Puts the children of a node below each other; `offset` is where a node's middle is from that of
 * its parent. Returns the outline: for each level below, its top and bottom from the node's middle.
 */
function arrange(node, boxes) {
  const { height, children } = boxes.get(node);
  const outline = [{ top: -height / 2, bottom: height / 2 }];
  if (children.length === 0) return outline;

  const below = [];
  const middles = [];
  for (const child of children) {
    const own = arrange(child, boxes);
    let shift = 0;
    for (let level = 0; level < Math.min(below.length, own.length); level += 1) {
      shift = Math.max(shift, below[level].bottom + ROW_GAP - own[level].top);
    }
    middles.push(shift);
    own.forEach(({ top, bottom }, level) => {
      const present = below[level];
      if (present) present.bottom = bottom + shift;
      else below[level] = { top: top + shift, bottom: bottom + shift };
    });
  }
  const middle = (middles[0] + middles.at(-1)) / 2;
  children.forEach((child, nth) => {
    boxes.get(child).offset = middles[nth] - middle;
  });
  for (const { top, bottom } of below) outline.push({ top: top - middle, bottom: bottom - middle });
  return outline;
}

function settle(node, middle, depth, boxes, lefts) {
  const box = boxes.get(node);
  box.x = lefts[depth];
  box.y = middle - box.height / 2;
  for (const child of box.children) settle(child, middle + boxes.get(child).offset, depth + 1, boxes, lefts);
}

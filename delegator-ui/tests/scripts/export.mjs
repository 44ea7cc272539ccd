// Text, DOT and SVG of a resolution, and the layout that the drawing stands on.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { read, walk } from "../../assets/delegation.js";
import { toDot, toSvg, toText } from "../../assets/export.js";
import { layout } from "../../assets/layout.js";

const { PICTURES } = process.env;
const pictures = PICTURES ? readdirSync(PICTURES).filter((name) => name.endsWith(".json")) : [];

for (const name of pictures) {
  const file = (ending) => readFileSync(join(PICTURES, name.replace(/json$/, ending)), "utf8");
  const answer = JSON.parse(file("json"));

  test(`${answer.path} is drawn as by the command line`, () => {
    assert.equal(`${toText(answer.steps)}\n${answer.summary}\n`, file("tree"));
    assert.equal(toDot(answer.steps), file("dot"));
  });

  test(`${answer.path} is laid out without overlap`, () => {
    const root = read(answer.steps);
    const { boxes, width, height } = layout(root, ({ path }) => ({ width: 8 * path.length, height: 20 }));
    assert.equal(boxes.size, walk(root).length);
    const all = [...boxes].map(([{ path }, { x, y, width, height }]) => ({ path, x, y, width, height }));
    for (const box of all) {
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height);
    }
    all.forEach((a, nth) => {
      for (const b of all.slice(nth + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
      }
    });
  });
}

test("a picture holds no markup of what it shows", () => {
  const evil = `/"><script>alert(1)</script>&'`;
  const step = { depth: 0, path: evil, kind: "neg", taken: false, probability: 0, reason: `${evil}\u0000\u001b` };
  const svg = toSvg([step], evil);
  assert.ok(!svg.includes("<script"));
  assert.ok(!/[\u0000\u001b]/.test(svg));
  assert.ok(svg.includes("&lt;script&gt;"));
  assert.ok(!toDot([{ ...step, path: `"; evil [` }]).includes(`="";`));
});

test("what are no steps is nothing", () => {
  for (const steps of [null, undefined, [], {}, [{ depth: 1 }], [{ depth: 0 }, { depth: 2 }], [{ depth: 0 }, { depth: 0 }]]) {
    assert.equal(read(steps), null);
    assert.equal(toText(steps), "");
  }
});

test("thousands of nodes are laid out in a moment", () => {
  const node = (depth, width) => ({ path: "/a", children: width.slice(1).length ? Array.from({ length: width[0] }, () => node(depth + 1, width.slice(1))) : [] });
  const root = node(0, [20, 12, 12, 1]);
  const begun = performance.now();
  const { boxes } = layout(root, () => ({ width: 100, height: 20 }));
  assert.ok(boxes.size > 3000);
  assert.ok(performance.now() - begun < 1000);
});

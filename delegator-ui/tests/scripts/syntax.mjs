// The text of a dtab as the editor sees it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { changedLines, lines, nameBefore, offers, prefixes, tokens } from "../../assets/syntax.js";

const kinds = (text) => tokens(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

test("every part of an entry has its kind", () => {
  assert.deepEqual(kinds("/svc/* => 0.5*/a & .5 * /#/io.l5d.fs | ~ ; # !"), [
    "prefix /svc/*",
    "arrow =>",
    "weight 0.5",
    "operator *",
    "name /a",
    "operator &",
    "weight .5",
    "operator *",
    "found /#/io.l5d.fs",
    "operator |",
    "operator ~",
    "operator ;",
    "comment # !",
  ]);
});

test("a # within a path is no comment", () => {
  assert.deepEqual(kinds("/a=>/b#c;/d=>/e #f"), [
    "prefix /a",
    "arrow =>",
    "name /b#c",
    "operator ;",
    "prefix /d",
    "arrow =>",
    "name /e",
    "comment #f",
  ]);
});

test("an entry may go over lines", () => {
  const read = lines("/svc =>  # where to\n  /a |\n\n  /b ;\n/c");
  assert.deepEqual(read.map(({ isLeft }) => isLeft), [true, false, false, false, true]);
  assert.deepEqual(read.map(({ start }) => start), [0, 20, 27, 28, 35]);
});

test("what is offered begins as what is typed", () => {
  const words = {
    prefixes: ["/svc", "/host"],
    namers: ["/#/io.l5d.fs"],
    names: ["/svc/web"],
    bound: ["/#/io.l5d.fs/web"],
  };
  const offered = (text) => offers(text, text.length, words, 10).offered.map(({ word }) => word);
  assert.deepEqual(offered("/svc"), ["/svc/web"]);
  assert.deepEqual(offered("/own => /a ; /o"), ["/own"]);
  assert.deepEqual(offered("/svc => /#"), ["/#/io.l5d.fs", "/#/io.l5d.fs/web"]);
  assert.deepEqual(offered("/svc => /a &\n /$/n"), ["/$/nil"]);
  assert.deepEqual(offered("/svc => /a ; # /s"), []);
  assert.equal(offers("/", 1, words, 2).offered.length, 2);
  assert.deepEqual(nameBefore("/svc => /#/io rest", 13), { name: "/#/io", isLeft: false });
  assert.deepEqual(prefixes("/a => /b ; /c => /d ; /a => ~"), ["/a", "/c"]);
});

test("lines that differ are told apart from those that moved", () => {
  const changed = (before, after) => {
    const { removed, added } = changedLines(before, after);
    return [[...removed], [...added]];
  };
  assert.deepEqual(changed("a\nb", "a\nb"), [[], []]);
  assert.deepEqual(changed("a\nb\nc\nd", "a\nx\nc\ne\nd"), [[1], [1, 3]]);
  assert.deepEqual(changed("", "a\nb"), [[0], [0, 1]]);
  const many = (word) => Array.from({ length: 2000 }, (_, nth) => `${word}${nth}`).join("\n");
  assert.equal(changed(many("a"), many("b"))[0].length, 2000);
});

// Addresses of the delegate page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { asks, isAsked, parse, write } from "../../assets/query.js";

test("a link restores the whole view", () => {
  for (const query of [
    "router=http&path=/svc/web",
    "path=/svc/web&dtab=/svc/web+%3D%3E+/a+%7C+/b&view=graph",
    "method=POST&url=http://web/a?b%3Dc&header=Host:+web&header=X-A:+b&ask=request",
    "path=/a&base=/a+%3D%3E+/b%3B%0A/c+%3D%3E+/d&find=web&fold=1.7&unfold=3&step=4",
  ]) {
    assert.equal(decodeURIComponent(write(parse(query))), decodeURIComponent(query));
  }
});

test("only what it answers by is asked of the server", () => {
  const state = parse("?router=r&path=/a&url=/b&dtab=%20&view=graph&find=x&fold=1");
  assert.equal(asks(state), "router=r&path=/a");
  const both = parse("?path=/a&dtab=/a=>/b&base=/c=>/d");
  assert.equal(asks(both, { dtab: false }), "path=/a&base=/c%3D%3E/d");
  assert.equal(asks(both, { base: false }), "path=/a&dtab=/a%3D%3E/b");
});

test("a request is asked for by its URL", () => {
  assert.equal(parse("?url=http://web/").ask, "request");
  assert.equal(isAsked(parse("?ask=request&path=/a")), false);
  assert.equal(isAsked(parse("?path=%20")), false);
});

test("nonsense in an address does no harm", () => {
  const state = parse("?fold=a.-1.2.5e9x.3&step=x&view=<b>&ask=nothing");
  assert.deepEqual([state.fold, state.step, state.view, state.ask], [[2, 3], null, "tree", "path"]);
});

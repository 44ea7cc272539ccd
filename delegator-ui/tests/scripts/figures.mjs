// What the dashboard makes of figures: axes, lines, trends, and states in words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { line, ticks } from "../../assets/chart.js";
import { fitness, health, share } from "../../assets/endpoints.js";
import { Trends } from "../../assets/trends.js";

test("an axis has round numbers up to at least its largest value", () => {
  assert.deepEqual(ticks(0, 97), [0, 25, 50, 75, 100]);
  assert.deepEqual(ticks(0, 0.3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(0.99, 1), [0.99, 0.9925, 0.995, 0.9975, 1]);
  for (const high of [1e-9, 0.7, 3, 999, 12_345, 1e12]) {
    const marks = ticks(0, high);
    assert.ok(marks.length <= 7 && marks.at(-1) >= high, `${high}: ${marks}`);
  }
});

test("what is not known is a gap, and a value between gaps is a dot", () => {
  const same = (value) => value;
  assert.equal(line([1, 2, null, 3, null], same, same), "M0.0 1.0L1.0 2.0M3.0 3.0h.01");
  assert.equal(line([null, null], same, same), "");
});

test("a trend averages within an interval and goes on from its history", () => {
  const trends = new Trends();
  trends.seed(["web"], [[1, 2]], 5000);
  for (const [at, value] of [[10_000, 4], [12_000, 6], [15_000, 8], [26_000, 1]]) trends.add("web", at, value);
  assert.deepEqual(trends.of("web"), [1, 2, 5, 8, null, 1]);
  assert.ok(trends.smooth("web") > 1 && trends.smooth("web") < 8);
  trends.keep(new Set());
  assert.deepEqual(trends.of("web"), []);
  assert.equal(trends.smooth("web"), null);
});

test("no trend is longer than what is drawn", () => {
  const trends = new Trends();
  for (let at = 0; at < 1000; at++) trends.add("web", at * 5000, at);
  trends.add("web", 1e12, 1);
  assert.ok(trends.of("web").length <= 61);
});

test("each state of an endpoint has a word and, if it is left alone, a reason", () => {
  const why = (endpoint) => {
    const { status, word, why } = health(endpoint);
    return `${status}: ${word}: ${why}`;
  };
  assert.equal(why({ state: "open", failures: 0 }), "ok: healthy: ");
  assert.equal(why({ state: "open", failures: 1 }), "ok: healthy: 1 failure in a row so far");
  assert.equal(why({ state: "dead", failures: 5, probe_in_ms: 3200 }), "bad: dead: 5 failures in a row; tried again in 3.2 s");
  assert.equal(
    why({ state: "dead", failures: 5, success_rate: 0.42, probe_in_ms: 40 }),
    "bad: dead: only 42.0 % of its requests succeed; tried again in 40 ms",
  );
  assert.equal(why({ state: "probing", failures: 5 }), "warn: probing: after 5 failures in a row, one request shows whether it is back");
  assert.equal(why({ state: "failed_fast", since_ms: 12_000 }), "bad: no connection: cannot be connected to for 12 s");
  assert.equal(why({ state: "new kind" }), "idle: new kind: ");
});

test("a client is as fit as its endpoints", () => {
  const word = (client) => fitness(client).word;
  const endpoints = (...states) => ({ state: "bound", endpoints: states.map((state) => ({ state })) });
  assert.equal(word(endpoints("open", "open")), "2 healthy");
  assert.equal(word(endpoints("open", "dead")), "1 of 2 healthy");
  assert.equal(fitness(endpoints("dead")).status, "bad");
  assert.equal(word({ state: "Neg", endpoints: [] }), "no address");
  assert.equal(word({ state: "Pending" }), "not known yet");
  assert.equal(word({ state: "Failed: no such host" }), "discovery failed");
  assert.equal(word({ state: null, endpoints: [] }), "not in use");
});

test("what is not all is not said to be", () => {
  assert.deepEqual([1, 0.9999, 0.995, 0, null].map(share), ["100 %", "99.9 %", "99.5 %", "0.0 %", "–"]);
});

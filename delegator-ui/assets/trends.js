// The last minutes of one number for each of many rows: what sparklines draw, and rows are ordered by.

/** How many values are kept for each row. */
const LENGTH = 60;
/** How much of a smoothed value is the newest one. */
const WEIGHT = 0.15;

export class Trends {
  #rows = new Map();
  #interval = 5000;

  /** What was before: `names[i]` had `values[i]`, oldest first, one each `interval` milliseconds. */
  seed(names, values, interval) {
    this.#interval = interval;
    names.forEach((name, at) => {
      const past = (values[at] ?? []).slice(-LENGTH);
      this.#rows.set(name, { past, slot: null, sum: 0, of: 0, smooth: past.at(-1) ?? null });
    });
  }

  /** A value at a time. Within one interval values are averaged; missed intervals are unknown. */
  add(name, time, value) {
    let row = this.#rows.get(name);
    if (!row) this.#rows.set(name, (row = { past: [], slot: null, sum: 0, of: 0, smooth: null }));
    const slot = Math.floor(time / this.#interval);
    if (row.slot !== null && slot > row.slot) {
      row.past.push(row.sum / row.of);
      const missed = Math.min(slot - row.slot - 1, LENGTH);
      for (let n = 0; n < missed; n++) row.past.push(null);
      row.past.splice(0, row.past.length - LENGTH);
      row.sum = row.of = 0;
    }
    row.slot = slot;
    row.sum += value ?? 0;
    row.of += 1;
    row.smooth = row.smooth === null ? value : row.smooth + WEIGHT * ((value ?? 0) - row.smooth);
  }

  /** Forgets every row that is not among these. */
  keep(names) {
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
  }

  /** The values of a row, oldest first; the last one is of the interval that is not over yet. */
  of(name) {
    const row = this.#rows.get(name);
    if (!row) return [];
    return row.of === 0 ? row.past : [...row.past, row.sum / row.of];
  }

  /** The value without its jitter. */
  smooth(name) {
    return this.#rows.get(name)?.smooth ?? null;
  }
}

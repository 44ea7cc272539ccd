// Numbers as people read them. What is not known is a dash.

const NONE = "–";

const unknown = (value) => typeof value !== "number" || !Number.isFinite(value);

/** `1234567` as `1,234,567`. */
export function count(value) {
  return unknown(value) ? NONE : Math.round(value).toLocaleString("en-GB");
}

/** A number per second, without its unit: `0.25`, `12.5`, `480`, `12.3k`. */
export function rate(value) {
  if (unknown(value)) return NONE;
  if (value === 0) return "0";
  if (value < 0.995) return value < 0.005 ? "<0.01" : value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  if (value < 9999.5) return count(value);
  if (value < 999_500) return `${(value / 1000).toFixed(1)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

/** A share from 0 to 1 as `12.5 %`, as the command line writes it. */
export function percent(share) {
  return unknown(share) ? NONE : `${Math.round(share * 10_000) / 100} %`;
}

/** Milliseconds as `0.4 ms`, `12 ms`, `1.25 s`, `3.5 min`. */
export function duration(ms) {
  if (unknown(ms)) return NONE;
  if (ms < 9.95) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${Math.round(ms / 10) / 100} s`;
  return `${Math.round(ms / 6000) / 10} min`;
}

/** How long something has lasted, in its largest unit: `12 s`, `3 min`, `5 h`, `2 d`. */
export function age(ms) {
  if (unknown(ms)) return NONE;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The time of day of a moment given in milliseconds since 1970: `14:03:22`. */
export function clock(ms) {
  return unknown(ms) ? NONE : new Date(ms).toLocaleTimeString("en-GB", { hour12: false });
}

/** `1 address`, `2 addresses`. */
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** `512 B`, `1.5 KiB`, `20 MiB`. */
export function bytes(value) {
  if (unknown(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[at]}`;
}

// @ts-check

const UNITS = /** @type {const} */ ([[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]]);

/**
 * Formats a duration with three digits and its unit.
 * @param {number} nanoseconds
 */
export function formatDuration(nanoseconds) {
  if (nanoseconds >= 120e9) return formatLong(nanoseconds / 1e9);
  let [size, unit] = UNITS[0];
  for (const [candidate, name] of UNITS) {
    if (nanoseconds >= candidate) [size, unit] = /** @type {any} */ ([candidate, name]);
  }
  const value = nanoseconds / size;
  const digits = unit === "ns" || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

/** @param {number} seconds */
function formatLong(seconds) {
  const parts = /** @type {[number, string][]} */ ([[31_536_000, "y"], [86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]]);
  const first = parts.findIndex(([size]) => seconds >= size);
  const [size, unit] = parts[first];
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest > 0 ? ` ${rest} ${next[1]}` : ""}`;
}

/**
 * Returns the number of the colour of a service, as the pages do.
 * @param {string} service
 */
export function color(service) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(service)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return ((hash ^ (hash >>> 16)) >>> 0) % 12;
}

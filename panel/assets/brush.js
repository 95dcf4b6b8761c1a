// @ts-check

/**
 * Limits of the scatter plot: times in nanoseconds, durations as powers of ten.
 * @typedef {{first: bigint, last: bigint, lowest: number, range: number}} Limits
 */

/**
 * Returns the address of the traces in a rectangle. Coordinates are parts of the plot, from the
 * upper left corner.
 * @param {Limits} limits @param {{left: number, right: number, top: number, bottom: number}} area
 * @param {string} query
 */
export function brushed(limits, area, query) {
  const length = Number(limits.last - limits.first);
  /** @param {number} part */
  const time = (part) => limits.first + BigInt(Math.round(Math.max(0, Math.min(1, (part * 1000 - 6) / 988)) * length));
  /** @param {number} part */
  const duration = (part) => {
    const power = limits.lowest + ((122 - part * 130) / 114) * limits.range;
    return `${Math.max(0, 10 ** power / 1e3).toPrecision(3)}`;
  };
  const kept = query.split(" ").filter((term) => term && !/^dur[<>]/.test(term));
  kept.push(`dur>=${plain(duration(area.bottom))}us`, `dur<=${plain(duration(area.top))}us`);
  const parameters = new URLSearchParams({
    q: kept.join(" "),
    from: String(time(area.left)),
    to: String(time(area.right)),
  });
  return `traces?${parameters}`;
}

/**
 * Writes a number without an exponent.
 * @param {string} number
 */
function plain(number) {
  return Number(number).toLocaleString("en", { useGrouping: false, maximumFractionDigits: 3 });
}

// @ts-check

/**
 * Row of a waterfall, as `/api/traces/{id}` returns it.
 * @typedef {object} Row
 * @property {string} id
 * @property {number} depth
 * @property {number} descendants
 * @property {string} service
 * @property {string} name
 * @property {string} status
 * @property {number} start
 * @property {number} duration
 * @property {number} selfTime
 * @property {[number, number] | null} gap longest time in which no child was running: start and length
 * @property {boolean} critical
 * @property {boolean} orphan
 * @property {boolean} skewed
 * @property {number} repeated
 */

/** Spans of a trace, of which some are closed or folded. */
export class Tree {
  /**
   * @param {Row[]} rows in the order of the waterfall
   * @param {{spanId: string | null, offset: number, severity: string}[]} logs records of the trace
   */
  constructor(rows, logs = []) {
    this.rows = rows;
    this.logs = Map.groupBy ? Map.groupBy(logs, (log) => log.spanId) : new Map();
    /** @type {number[]} */
    this.visible = [];
    /** @type {Set<number>} */
    this.closed = new Set();
    /** @type {Set<number>} */
    this.unfolded = new Set();
    this.update();
  }

  /** Recomputes the positions of visible rows. */
  update() {
    this.visible = [];
    for (let index = 0; index < this.rows.length; index += 1) {
      const row = this.rows[index];
      this.visible.push(index);
      if (this.closed.has(index)) index += row.descendants;
      else if (row.repeated > 0 && !this.unfolded.has(index)) index += row.repeated - 1;
    }
  }

  /** @param {number} index */
  isFolded(index) {
    return this.rows[index].repeated > 0 && !this.unfolded.has(index);
  }

  /** @param {number} index */
  toggleFold(index) {
    const first = this.firstOfRun(index);
    if (first === undefined) return;
    if (!this.unfolded.delete(first)) this.unfolded.add(first);
    this.update();
  }

  /** @param {number} index @returns {number | undefined} */
  firstOfRun(index) {
    for (let first = index; first >= 0; first -= 1) {
      const { repeated } = this.rows[first];
      if (repeated > 0) return first + repeated > index ? first : undefined;
    }
    return undefined;
  }

  /** @param {number} index @param {boolean} closed */
  setClosed(index, closed) {
    if (this.rows[index].descendants === 0) return;
    if (closed) this.closed.add(index);
    else this.closed.delete(index);
    this.update();
  }

  /**
   * Opens what hides this row.
   * @param {number} index
   */
  reveal(index) {
    for (const parent of this.closed) {
      if (parent < index && index <= parent + this.rows[parent].descendants) this.closed.delete(parent);
    }
    const first = this.firstOfRun(index);
    if (first !== undefined && first !== index) this.unfolded.add(first);
    this.update();
  }

  /**
   * Returns the next row after this one that meets the condition, from the start after the end.
   * @param {number} after @param {(row: Row) => boolean} condition
   * @returns {number | undefined}
   */
  next(after, condition) {
    for (let step = 1; step <= this.rows.length; step += 1) {
      const index = (after + step) % this.rows.length;
      if (condition(this.rows[index])) return index;
    }
    return undefined;
  }

  /** @param {number} index @param {number} step @returns {number} */
  move(index, step) {
    const position = this.positionOf(index) + step;
    return this.visible[Math.max(0, Math.min(this.visible.length - 1, position))];
  }

  /**
   * Position among the visible rows of this row, or of the row that stands for it.
   * @param {number} index
   */
  positionOf(index) {
    let [low, high] = [0, this.visible.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.visible[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

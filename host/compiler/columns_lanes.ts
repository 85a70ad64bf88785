/**
 * Which output of a fully connected layer is summed in which lane (`generators/columns.ts`).
 *
 * A slot is a lane of a word of sums, counted in the order in which the kernel goes through them: block, triple, lane.
 * Slots of one kind (lane of the first or the second triple) share a width and, where outputs share one multiplier, the
 * constant o that their sums carry: then a kind of W bits holds an output only if its sums, of P parts, can all begin
 * at starts that add up to o, and end below 2^W each. So an output has an interval of o for a width.
 */
import type { ColumnsLayout } from "./generators/columns_layout.js";

/** Kinds of slots: three lanes of the first triple, and three of the second. */
const kinds = 6;

/** The constants o with which a lane can hold an output. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What is asked of an output's lane. */
export interface Demand {
  /** The widest of its parts' ranges. */
  readonly range: number;
  /** The o with which a lane of this many bits can hold it; null where it is too narrow. */
  interval(width: number): Interval | null;
}

export interface LaneOrder {
  /** Output of each slot, or −1. */
  readonly outputs: readonly number[];
  /** The shared o of each kind. */
  readonly offsets: readonly number[];
}

/** A slot's kind. */
export const kindOf = (slot: number, triples: number): number => {
  const inBlock = slot % (triples * 3);
  return (Math.floor(inBlock / 3) % 2) * 3 + (inBlock % 3);
};

/**
 * Whether lanes might hold outputs of these ranges, in whatever order: a quick answer, no proof. The narrowest lanes
 * have to be filled, but for the slots to spare.
 */
export function mightHold(ranges: readonly number[], { widths }: ColumnsLayout, triples: number): boolean {
  const slots = Math.ceil(ranges.length / (triples * 3)) * triples * 3;
  const narrowest = Math.min(...widths);
  let toFill = ranges.length - slots;
  for (let slot = 0; slot < slots; slot++) if (widths[kindOf(slot, triples)] === narrowest) toFill += 1;
  const widest = 2 ** Math.max(...widths);
  return (
    ranges.every((range) => range < widest) &&
    ranges.filter((range) => range < 2 ** narrowest).length >= toFill
  );
}

/** Outputs in their own order, with one o for all; null where a lane is too narrow. */
export function inOwnOrder(
  demands: readonly Demand[],
  layout: ColumnsLayout,
  triples: number,
): LaneOrder | null {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  for (const [slot, demand] of demands.entries()) {
    const own = demand.interval(layout.widths[kindOf(slot, triples)] as number);
    if (!own) return null;
    low = Math.max(low, own.low);
    high = Math.min(high, own.high);
  }
  if (low > high) return null;
  const slots = Math.ceil(demands.length / (triples * 3)) * triples * 3;
  return {
    outputs: Array.from({ length: slots }, (_, slot) => (slot < demands.length ? slot : -1)),
    offsets: new Array<number>(kinds).fill(Number.isFinite(low) ? low : 0),
  };
}

/**
 * Outputs sorted into the lanes that hold them, the narrowest lanes first: each kind takes the o with which it can hold
 * the most of those that are left, and of these the widest. Slots to spare repeat an output of their kind.
 * Null where some output found no lane.
 */
export function sortIntoLanes(
  demands: readonly Demand[],
  layout: ColumnsLayout,
  triples: number,
): LaneOrder | null {
  const slots = Math.ceil(demands.length / (triples * 3)) * triples * 3;
  const slotsOf: number[][] = Array.from({ length: kinds }, () => []);
  for (let slot = 0; slot < slots; slot++) slotsOf[kindOf(slot, triples)]?.push(slot);
  const narrowestFirst = Array.from({ length: kinds }, (_, kind) => kind).sort(
    (a, b) => (layout.widths[a] as number) - (layout.widths[b] as number),
  );
  const outputs = new Array<number>(slots).fill(-1);
  const offsets = new Array<number>(kinds).fill(0);
  const all = demands.map((_, output) => output).sort((a, b) => range(demands, b) - range(demands, a));
  let left = all;
  let spare = slots - demands.length;
  for (const kind of narrowestFirst) {
    const places = slotsOf[kind] as number[];
    if (places.length === 0) continue;
    const width = layout.widths[kind] as number;
    const { offset, held } = mostHeld(demands, left, width);
    const taken = held.slice(0, places.length);
    spare -= places.length - taken.length;
    if (spare < 0) return null;
    // Nothing left for this kind: its slots repeat an output that another kind has.
    const repeated = taken.length > 0 ? { offset, held: taken } : mostHeld(demands, all, width);
    if (repeated.held.length === 0) return null;
    offsets[kind] = repeated.offset;
    for (const [index, slot] of places.entries())
      outputs[slot] = repeated.held[index % repeated.held.length] as number;
    left = left.filter((output) => !taken.includes(output));
  }
  return left.length === 0 ? { outputs, offsets } : null;
}

const range = (demands: readonly Demand[], output: number) => (demands[output] as Demand).range;

/** The o that lies in the most outputs' intervals, and those outputs, in the order of `left`. */
function mostHeld(demands: readonly Demand[], left: readonly number[], width: number) {
  const intervals = new Map<number, Interval>();
  for (const output of left) {
    const own = (demands[output] as Demand).interval(width);
    if (own) intervals.set(output, own);
  }
  const ends = [...intervals.values()].flatMap(({ low, high }) => [
    { at: low, by: 1 },
    { at: high, by: -1 },
  ]);
  // Where one ends as another begins, both hold.
  ends.sort((a, b) => a.at - b.at || b.by - a.by);
  let [offset, most, now] = [0, 0, 0];
  for (const { at, by } of ends) {
    now += by;
    if (now > most) [offset, most] = [at, now];
  }
  const held = left.filter((output) => {
    const own = intervals.get(output);
    return own !== undefined && own.low <= offset && offset <= own.high;
  });
  return { offset: Number.isFinite(offset) ? offset : 0, held };
}

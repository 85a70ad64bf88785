/**
 * Seeded damage to files, for the tests of every reader. `WAMLET_FUZZ` says how many damaged copies each reader gets:
 * 2 000 where it is not set, 100 000 in `npm run fuzz`.
 */

const asked = process.env.WAMLET_FUZZ;

/** Damaged copies of each file. */
export const rounds = Math.max(1, Math.floor(Number(asked ?? 2000)) || 2000);

/** Whether this is a long run, in which time is watched too. */
export const isLongRun = asked !== undefined;

/** Milliseconds that a test of `count` inputs may take at the very most; a test that takes them hangs. */
export const patience = (count: number) => 120_000 + count * 40;

/** Whole numbers from 0 to below `end`, the same for the same seed. */
export type Below = (end: number) => number;

/** Seeded randomness (mulberry32). */
export function seeded(seed: number): Below {
  let state = seed >>> 0;
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  };
}

/** Makes a damaged copy. */
export type Mutate = (bytes: Uint8Array, below: Below) => Uint8Array;

/** A copy with one to four places changed: bits, bytes, words, stretches inserted, removed or copied. */
export const mutated: Mutate = (bytes, below) => {
  let changed: Uint8Array = bytes.slice();
  for (let edits = 1 + below(4); edits > 0; edits--) changed = damage(changed, below);
  return changed;
};

/** A copy of the same length with one to four places changed: offsets stay, so that more of the damage gets past them. */
export const altered: Mutate = (bytes, below) => {
  const changed = bytes.slice();
  for (let edits = 1 + below(4); edits > 0; edits--) damage(changed, below, kindsInPlace);
  return changed;
};

/** What a program is most likely to take wrongly where a person wrote something else. */
const words = [
  "null",
  "-1",
  "1e999",
  '"',
  "{}",
  "[]",
  "99999999999",
  "NaN",
  "\u0000",
  "é",
  "\n",
  ",",
  "0x7fffffff",
];
const numbers = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 0x7f, 0xff, 0xffff, 2 ** 30];

/** Kinds of damage, of which the first ones leave a file as long as it was. */
const kinds = 10;
const kindsInPlace = 6;

function damage(bytes: Uint8Array, below: Below, anyOf = kinds): Uint8Array {
  const place = below(bytes.length + 1);
  const at = Math.min(place, bytes.length - 1);
  switch (below(anyOf)) {
    case 0:
    case 1:
    case 2:
      if (bytes.length > 0) bytes[at] = below(256);
      return bytes;
    case 3:
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
      return bytes;
    case 4:
      setWord(
        bytes,
        at & ~3,
        below(2) === 0 ? (numbers[below(numbers.length)] ?? 0) : below(bytes.length + 1),
      );
      return bytes;
    case 5:
      if (bytes.length > 0) bytes.copyWithin(at, below(bytes.length), below(bytes.length + 1));
      return bytes;
    case 6:
      return spliced(bytes, place, 0, Uint8Array.of(below(256)));
    case 7:
      return spliced(bytes, place, below(3), Buffer.from(words[below(words.length)] ?? ""));
    default:
      return spliced(bytes, place, 1 + below(8), new Uint8Array());
  }
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  if (at < 0 || at + 4 > bytes.length) return;
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).setInt32(at, value, true);
}

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]));
}

/** A copy of JSON with one to three values replaced, removed or moved: damage that the parser lets through. */
export const mutatedJson: Mutate = (bytes, below) => {
  const root = { value: JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown };
  for (let edits = 1 + below(3); edits > 0; edits--) {
    const places = containers(root);
    const [holder, key] = places[below(places.length)] as (typeof places)[number];
    if (below(5) === 0 && holder !== root) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
    } else {
      const [other, name] = places[below(places.length)] as (typeof places)[number];
      // A copy: the same object in two places would make a circle.
      (holder as Record<string, unknown>)[key] =
        below(3) === 0 ? structuredClone((other as Record<string, unknown>)[name]) : strangeValue(below);
    }
  }
  return Uint8Array.from(Buffer.from(JSON.stringify(root.value) ?? "null"));
};

/** Every place of a JSON value: what holds it, and its key there. */
function containers(root: Record<string, unknown>): [Record<string, unknown> | unknown[], string][] {
  const places: [Record<string, unknown> | unknown[], string][] = [];
  const walk = (holder: Record<string, unknown> | unknown[]) => {
    for (const [key, value] of Object.entries(holder)) {
      places.push([holder, key]);
      if (typeof value === "object" && value !== null) walk(value as Record<string, unknown>);
    }
  };
  walk(root);
  return places;
}

function strangeValue(below: Below): unknown {
  const values = [
    null,
    true,
    "",
    "x",
    "../..",
    "\u0000",
    [],
    {},
    [[]],
    -1,
    0,
    0.5,
    1e308,
    2 ** 53,
    2 ** 31,
    "1",
  ];
  return values[below(values.length)];
}

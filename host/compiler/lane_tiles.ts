/**
 * What all kernels share that go over a layer in tiles of P pixels × Q words of three lanes: the RAM they ask for, their
 * weights by blocks, the call, and what surrounds a tile's own cost.
 */
import type { Tensor } from "../model/graph.js";
import { type ClampTable, fillClampTable, fillCost } from "./clamp_table.js";
import type { LaneEpilogue } from "./generators/lane_epilogue.js";
import type { LaneConstants } from "./lane_constants.js";
import { blockStarts, type Geometry, geometry, paddingArguments, wordStarts } from "./lane_geometry.js";
import { type Proof, prove } from "./lane_proof.js";
import { writeRecord } from "./lane_records.js";
import type { Argument, KernelCall, KernelCost, Overlay, Places, Scratch } from "./layer.js";
import { overlayRows } from "./overlay.js";
import type { Convolution } from "./sliding_filter.js";

/** The tile's words and their constants, its sums, gathered rows, the clamp's table, and what the kernel wants beside. */
export function tileScratch(
  layer: Convolution,
  { words, table }: LaneEpilogue,
  bytes: { readonly constants: number; readonly sums: number; readonly more?: number },
): readonly Scratch[] {
  const { segments, segment, pitch, padded } = geometry(layer) as Geometry;
  const clamp = table ? prove(layer)?.table : null;
  const scratch = (size: number): Scratch => ({ kind: "scratch", bytes: size });
  return [
    { kind: "weights", bytes: segments * segment * words * 8 + bytes.constants },
    scratch(bytes.sums),
    ...(padded ? [scratch(segments * pitch)] : []),
    ...(clamp ? [scratch(clamp.bytes)] : []),
    ...(bytes.more === undefined ? [] : [scratch(bytes.more)]),
  ];
}

/** What `clampParameters` asks for. @param entries where the clamp's table lies, if there is one */
export function clampArguments(
  layer: Convolution,
  { rectified, table }: LaneEpilogue,
  entries: number,
): readonly Argument[] {
  if (table) return [["table", entries]];
  const { minimum, maximum } = layer.clamp;
  const shift = (prove(layer) as Proof).constants[0]?.e ?? 0;
  return [["minimum", minimum], ["maximum", maximum], ...(rectified ? [["shift", shift] as const] : [])];
}

/** The kernel's call, behind the one that fills the clamp's table. @param more arguments behind those of all tiles */
export function tileCalls(
  layer: Convolution,
  places: Places,
  kernel: LaneEpilogue,
  { name, source, more = [] }: { name: string; source: () => string; more?: readonly Argument[] },
): readonly KernelCall[] {
  const shape = geometry(layer) as Geometry;
  const { table: clamp } = prove(layer) as Proof;
  const [tile, sums] = places.scratch;
  const buffer = shape.padded ? places.scratch[2] : 0;
  const entries = places.scratch[shape.padded ? 3 : 2] as number;
  return [
    ...(kernel.table && clamp ? [fillClampTable(clamp, entries)] : []),
    {
      file: `generated/${name}`,
      function: name,
      source,
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["weights", places.weights[0] as number],
        ["tile", tile as number],
        ["sums", sums as number],
        ["rows", shape.rows],
        ["columns", shape.columns],
        ["rowStep", shape.rowStep],
        ["pixelStep", shape.pixelStep],
        ["segments", shape.segments],
        ["segment", shape.segment],
        ["pitch", shape.pitch],
        ["outputChannels", layer.outputChannels],
        ...clampArguments(layer, kernel, entries),
        ...paddingArguments(layer, shape, buffer ?? 0),
        ...more,
      ],
    },
  ];
}

/**
 * Per block: weights as triples in the order of the words, the channels' records, then what the sums begin with.
 * @param constantBytes of a block: records and begin
 * @param of a channel's constants
 * @param begin writes what a block's sums begin with, and returns where the next block goes
 */
export function packTiles(
  layer: Convolution,
  kernel: LaneEpilogue,
  constantBytes: number,
  of: (channel: number) => LaneConstants,
  begin: (view: DataView, at: number, channels: readonly number[]) => number,
): Uint8Array {
  const size = kernel.words * 3;
  const depth = layer.filters[0]?.length ?? 0;
  const base = kernel.table ? (prove(layer)?.table?.base ?? 0) : 0;
  const blocks = blockStarts(layer.outputChannels, size);
  const bytes = new Uint8Array(blocks.length * (depth * size + constantBytes));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const block of blocks) {
    const channels = wordStarts(layer.outputChannels - block, kernel.words).flatMap((first) =>
      [0, 1, 2].map((lane) => block + first + lane),
    );
    for (let tap = 0; tap < depth; tap++) {
      for (const channel of channels) view.setInt8(at++, layer.filters[channel]?.[tap] ?? 0);
    }
    for (const channel of channels) at = writeRecord(view, at, of(channel), base, kernel.rectified);
    at = begin(view, at, channels);
  }
  return bytes;
}

/** How the output may lie over the input: where rows are gathered, and only once, for one block of all channels. */
export function overlayTiles(layer: Convolution, words: number): Overlay | null {
  const { rows, padded } = geometry(layer) as Geometry;
  if (!padded || layer.outputChannels > words * 3) return null;
  return overlayRows(
    layer,
    Array.from({ length: rows }, (_, row) => ({ first: row, end: row + 1 })),
  );
}

/** Whether a tile's words can be expanded by four. */
export function dividesByFour(layer: Convolution, words: number): boolean {
  const { segments, segment } = geometry(layer) as Geometry;
  return (segments * segment * words) % 4 === 0;
}

/** What each word's lanes start with. @returns where the next bytes go */
export function writeStarts(
  view: DataView,
  from: number,
  channels: readonly number[],
  startOf: (channel: number) => number,
): number {
  let at = from;
  for (let word = 0; word < channels.length; word += 3, at += 8) {
    const start = (lane: number) => BigInt(startOf(channels[word + lane] as number));
    view.setBigUint64(at, start(0) + (start(1) << 21n) + (start(2) << 42n), true);
  }
  return at;
}

/**
 * The layer's cost, of what a tile executes: blocks are fetched and expanded, rows gathered where there is padding.
 * @param constantBytes of a block
 */
export function tileCost(
  layer: Convolution,
  { pixels, words, rectified, table, byFour }: LaneEpilogue,
  constantBytes: number,
  perTile: number,
): KernelCost {
  const { rows, columns, segments, segment, pitch, padded } = geometry(layer) as Geometry;
  const depth = segments * segment;
  const blocks = blockStarts(layer.outputChannels, words * 3).length;
  const tiles = rows * Math.ceil(columns / pixels);
  // Gathering: a call, and for each row a test, a copy and two steps.
  const gather = padded ? rows * (16 + segments * 16) : 0;
  const copied = padded ? rows * segments * Math.min(pitch, layer.inputWidth * layer.inputChannels) : 0;
  const clamp = table ? fillCost(prove(layer)?.table as ClampTable) : { opcodes: 0, bytesMoved: 0 };
  return {
    opcodes: Math.round(
      clamp.opcodes +
        blocks * (40 + depth * words * (byFour ? 9 : 12) + rows * 10 + gather + tiles * perTile),
    ),
    bytesMoved:
      clamp.bytesMoved +
      (rectified ? rows * columns * layer.outputChannels : 0) +
      blocks * (depth * words * 3 + constantBytes + copied),
  };
}

/**
 * Messages: what host and board say to each other over the link, as one table (docs/PROTOCOL.md, "Messages").
 *
 *     message := type: u8, fields (host/module/tlv.ts)
 *
 * A request carries `request`, a number that its answer repeats. Types, encoder and decoder come from the table.
 */
import { WamletError } from "../errors.js";
import { fieldInteger, readFields } from "../module/tlv.js";
import {
  bytes,
  choice,
  decodeRecord,
  encodeRecord,
  flag,
  integer,
  integers,
  type RecordOf,
  type RecordType,
  records,
  text,
} from "./field_schema.js";

/** Field 1 of every request and of its answer. */
const request = integer(1, "the request's number, 1–65535, repeated by its answer");

const tensor = {
  offset: integer(1, "place in linear memory"),
  bytes: integer(2, "size"),
} as const;

const storedModule = {
  name: text(1, "the name it was deployed by"),
  version: text(2, "the manifest's version"),
  payloadBytes: integer(3, "size of the payload"),
  sha256: bytes(4, "SHA-256 of the payload, 32 bytes"),
  slot: integer(5, "slot of the store"),
  active: flag(6, "whether the active pointer names it"),
  state: choice(7, ["complete", "partial", "faulted"], "whether it can be loaded"),
} as const;

/** Every message with its type number. Host → device below 0x40, device → host from 0x40. */
export const messageTypes = {
  hello: { number: 0x01, fields: { request, client: text(2, "program and version, for the board's log") } },
  "deploy-begin": {
    number: 0x02,
    fields: {
      request,
      manifest: bytes(2, "docs/MODULE.md"),
      name: text(3, "name to store it by; empty for the manifest's"),
    },
  },
  "deploy-chunk": {
    number: 0x03,
    fields: { offset: integer(2, "place in the payload"), data: bytes(3, "payload bytes") },
  },
  "deploy-commit": { number: 0x04, fields: { request } },
  list: { number: 0x05, fields: { request, first: integer(2, "index of the first entry wanted") } },
  activate: { number: 0x06, fields: { request, name: text(2, "module") } },
  remove: { number: 0x07, fields: { request, name: text(2, "module") } },
  load: { number: 0x08, fields: { request, name: text(2, "module; empty for the active one") } },
  unload: { number: 0x09, fields: { request, handle: integer(2, "from LOADED") } },
  input: {
    number: 0x0a,
    fields: {
      handle: integer(2, "from LOADED"),
      frame: integer(3, "number of the frame, 0–65535 and round again, repeated by its results"),
      tensor: integer(4, "index of the input tensor"),
      offset: integer(5, "place in the tensor"),
      more: flag(6, "more input of this frame follows; without it, the inference runs"),
      layers: flag(7, "count by layer; every INPUT of a frame says the same"),
      data: bytes(8, "tensor bytes"),
    },
  },
  counters: { number: 0x0b, fields: { request, handle: integer(2, "from LOADED") } },
  "log-level": {
    number: 0x0c,
    fields: { request, level: integer(2, "highest level sent: 0 none … 4 debug") },
  },
  reset: {
    number: 0x0d,
    fields: {
      request,
      target: choice(2, ["state", "board"], "a module's state and counters, or the whole board"),
      handle: integer(3, "module whose state is reset"),
    },
  },

  done: { number: 0x40, fields: { request } },
  info: {
    number: 0x41,
    fields: {
      request,
      protocolVersion: integer(2, "version in use"),
      board: text(3, "name of the descriptor"),
      chip: text(4, "chip"),
      agentVersion: text(5, "agent's release"),
      clockHertz: integer(6, "processor clock"),
      countUnit: choice(7, ["cycles", "instructions"], "what `count` counts"),
      countSource: text(8, "what counts: a register, an emulator, a model"),
      memoryTotalBytes: integer(9, "pool for modules"),
      memoryUsedBytes: integer(10, "used now"),
      memoryHighWaterBytes: integer(11, "most that was used since boot"),
      memoryLargestBlockBytes: integer(12, "largest block that can be allocated now"),
      receiveBufferBytes: integer(13, "window, as READY granted it"),
      maxPayload: integer(14, "largest message that the device takes"),
      runtimeName: text(15, "`WAMR fast interpreter`"),
      runtimeVersion: text(16, "its version"),
      runtimePageBytes: integer(17, "granularity of its bounds checks"),
      features: integer(18, "bits of the manifest's `features` that it offers"),
      storeSlots: integer(19, "slots"),
      storeSlotBytes: integer(20, "bytes of a slot"),
      storeFreeSlots: integer(21, "slots without a module"),
      serialNumber: text(22, "chip's serial number, empty where unknown"),
      bootId: integer(23, "as in READY"),
      energySensor: text(24, "what measures energy; empty where nothing does"),
    },
  },
  "deploy-ready": {
    number: 0x42,
    fields: {
      request,
      offset: integer(2, "payload bytes that are stored already: go on from here"),
      slot: integer(3, "slot being written"),
    },
  },
  deployed: {
    number: 0x44,
    fields: { request, sha256: bytes(2, "of the payload as read back from flash"), slot: integer(3, "slot") },
  },
  modules: {
    number: 0x45,
    fields: {
      request,
      total: integer(2, "entries in all"),
      modules: records(3, storedModule, "from `first` on"),
    },
  },
  loaded: {
    number: 0x48,
    fields: {
      request,
      handle: integer(2, "names the loaded module from now on"),
      name: text(3, "module"),
      version: text(4, "the manifest's version"),
      sha256: bytes(5, "SHA-256 of the payload"),
      inputs: records(6, tensor, "input tensors"),
      outputs: records(7, tensor, "output tensors"),
      layers: integer(8, "layers of a profiling build, else 0"),
      features: integer(9, "the manifest's `features`"),
      linearMemoryBytes: integer(10, "linear memory"),
      runtimeBytes: integer(11, "what the runtime took beside it"),
      memoryTotalBytes: integer(12, "pool for modules"),
      memoryUsedBytes: integer(13, "used now, this module included"),
      memoryLargestBlockBytes: integer(14, "largest block that can be allocated now"),
    },
  },
  result: {
    number: 0x4a,
    fields: {
      handle: integer(2, "module"),
      frame: integer(3, "as in INPUT"),
      tensor: integer(4, "index of the output tensor"),
      offset: integer(5, "place in the tensor"),
      data: bytes(6, "tensor bytes"),
      more: flag(7, "more of this frame follows; the fields below stand in the last one"),
      count: integer(8, "what the inference took, in INFO's unit"),
      microseconds: integer(9, "time of the inference alone"),
      nanojoules: integer(10, "energy, where `energySource` is not none"),
      energySource: choice(11, ["none", "measured", "modelled"], "where `nanojoules` comes from"),
      memoryBytes: integer(12, "bytes of the module pool in use while it ran"),
      layers: integers(13, "counts by layer; those of one frame's results are joined"),
    },
  },
  totals: {
    number: 0x4b,
    fields: {
      request,
      inferences: integer(2, "since LOAD or RESET of the state"),
      count: integer(3, "sum"),
      microseconds: integer(4, "sum"),
      nanojoules: integer(5, "sum"),
    },
  },
  error: {
    number: 0x7f,
    fields: {
      request: integer(1, "the request that failed; 0 where it had no number"),
      handle: integer(2, "the INPUT's module"),
      frame: integer(3, "the INPUT's frame"),
      code: integer(4, "host/wire/error_code.ts"),
      text: text(5, "for people, at most 96 bytes"),
      numbers: integers(6, "figures, as the code's table says"),
      input: flag(7, "an INPUT failed: `handle` and `frame` say which"),
    },
  },
} as const satisfies Record<string, { readonly number: number; readonly fields: RecordType }>;

export type MessageType = keyof typeof messageTypes;

/** The message of one type. */
export type MessageOf<Type extends MessageType> = { readonly type: Type } & RecordOf<
  (typeof messageTypes)[Type]["fields"]
>;

/** Any message, discriminated by `type`. */
export type Message = { [Type in MessageType]: MessageOf<Type> }[MessageType];

/** A message of a later version: `request` lets the receiver answer it with an error. */
export interface UnknownMessage {
  readonly type: "unknown";
  readonly number: number;
  readonly request: number;
}

export type StoredModule = RecordOf<typeof storedModule>;
export type TensorRecord = RecordOf<typeof tensor>;

const typesByNumber = new Map<number, MessageType>(
  Object.entries(messageTypes).map(([type, { number }]) => [number, type as MessageType]),
);

/** A message with every field not given at its default (0, false, empty, the first choice). */
export function message<Type extends MessageType>(
  type: Type,
  fields: Partial<MessageOf<Type>>,
): MessageOf<Type> {
  const defaults = decodeRecord(messageTypes[type].fields, new Uint8Array(0));
  return { ...defaults, ...fields, type } as MessageOf<Type>;
}

/** A message's bytes. */
export function encodeMessage(value: Message): Uint8Array {
  const { number, fields } = messageTypes[value.type];
  const record = encodeRecord(fields as RecordType, value as unknown as Record<string, unknown>);
  const encoded = new Uint8Array(1 + record.length);
  encoded[0] = number;
  encoded.set(record, 1);
  return encoded;
}

/**
 * The message in these bytes; byte fields are views into them.
 * @throws WamletError WAMLET_INVALID_PACKET
 */
export function decodeMessage(encoded: Uint8Array): Message | UnknownMessage {
  const number = encoded[0];
  if (number === undefined) {
    throw new WamletError(
      "WAMLET_INVALID_PACKET",
      "A message has no bytes.",
      "Update both sides to the same release.",
    );
  }
  const body = encoded.subarray(1);
  const type = typesByNumber.get(number);
  if (type === undefined) return { type: "unknown", number, request: requestOf(encoded) };
  return { type, ...decodeRecord(messageTypes[type].fields as RecordType, body) } as unknown as Message;
}

/** The request number of a message that cannot be read further, or 0. */
export function requestOf(encoded: Uint8Array): number {
  try {
    const field = readFields(encoded.subarray(1)).find(({ tag }) => tag === 1);
    return field === undefined ? 0 : fieldInteger(field);
  } catch (error) {
    if (error instanceof WamletError) return 0;
    throw error;
  }
}

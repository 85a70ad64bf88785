/** Splits a WebAssembly binary into its sections and joins sections to a binary. */
import { ByteReader, malformed } from "./byte_reader.js";
import { ByteWriter } from "./byte_writer.js";

/** Section ids of the core specification. */
export const sectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

export interface Section {
  readonly id: number;
  /** Name of a custom section, null for the others. */
  readonly name: string | null;
  /** Place of the section's id byte in the file. */
  readonly offset: number;
  /** Place of the body, behind id and length; for a custom section behind its name. */
  readonly bodyOffset: number;
  /** A view of the body; for a custom section without its name. */
  readonly body: Uint8Array;
}

/** `\0asm`, version 1. */
export const wasmHeader = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * Splits a binary into sections, in file order. Bodies are views, not copies.
 * @throws WamletError WAMLET_INVALID_MODULE
 */
export function readSections(bytes: Uint8Array): Section[] {
  if (bytes.length < wasmHeader.length || wasmHeader.some((byte, index) => bytes[index] !== byte)) {
    throw malformed(0, "it does not begin with the header of WebAssembly version 1");
  }
  const reader = new ByteReader(bytes, wasmHeader.length);
  const sections: Section[] = [];
  while (!reader.done) {
    const offset = reader.position;
    const id = reader.u8();
    if (id > sectionId.dataCount) throw malformed(offset, `section ${id} is not known`);
    const body = reader.range(reader.u32());
    const name = id === sectionId.custom ? body.name() : null;
    sections.push({ id, name, offset, bodyOffset: body.position, body: body.take(body.left) });
  }
  return sections;
}

/** Joins sections to a binary: header, then each section in the order given. */
export function writeSections(sections: readonly Pick<Section, "id" | "name" | "body">[]): Uint8Array {
  const writer = new ByteWriter().raw(wasmHeader);
  for (const section of sections) {
    writer.section(
      section.id,
      section.name === null ? section.body : new ByteWriter().name(section.name).raw(section.body).finish(),
    );
  }
  return writer.finish();
}

/** Recognises the files that people pass instead of a .tflite, to say what to do with them. */

/** What the file is, with an article, and what to do about it. */
export interface ForeignFormat {
  readonly name: string;
  readonly hint: string;
}

const convert = "Convert it first: tf.lite.TFLiteConverter, with full integer quantisation.";

const formats: readonly (ForeignFormat & { readonly start: readonly number[] })[] = [
  { start: [0x50, 0x4b, 3, 4], name: "a zip archive (a .keras or .task file, perhaps)", hint: convert },
  { start: [0x89, 0x48, 0x44, 0x46], name: "an HDF5 file (a Keras .h5 model, perhaps)", hint: convert },
  { start: [0x1f, 0x8b], name: "a gzip file", hint: "Unpack it and pass the .tflite inside." },
  {
    start: [0, 0x61, 0x73, 0x6d],
    name: "a WebAssembly module",
    hint: "Pass the .tflite it was compiled from; a module needs no compiling.",
  },
];

/** The known format that the bytes start like, or null. */
export function foreignFormat(bytes: Uint8Array): ForeignFormat | null {
  return formats.find(({ start }) => start.every((byte, index) => bytes[index] === byte)) ?? null;
}

/**
 * What a board needs to know of a module before it stores it, as types. `manifest_codec.ts` turns it into
 * bytes (docs/MODULE.md) and back.
 */

/** A tensor's place in the module's linear memory. */
export interface TensorPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** Runtime features that a module may require, as bits of `Manifest.features`. */
export const runtimeFeatures = {
  bulkMemory: 1,
  signExtension: 2,
  nontrappingConversion: 4,
  /** Imports `wamlet.layer`: a profiling build. */
  layers: 8,
  /** Exports `reset`: the model has state. */
  state: 16,
} as const;

export interface Manifest {
  /** What the payload is; `aot` is kept for a later native target. */
  readonly kind: "wasm";
  /** Version of the exports and the calling rules, docs/MODULE.md. */
  readonly abi: number;
  /** 1–31 bytes of [a-z0-9_.-], the name a user deploys and activates by. */
  readonly name: string;
  /** Free text, at most 31 bytes of UTF-8. */
  readonly version: string;
  readonly payloadBytes: number;
  /** 32 bytes. */
  readonly payloadSha256: Uint8Array;
  /** Bytes of linear memory, a multiple of 4096. */
  readonly linearMemoryBytes: number;
  /** What the runtime takes beside linear memory (code, instance, stack), modelled; 0 where unknown. */
  readonly runtimeBytes: number;
  readonly inputs: readonly TensorPlace[];
  readonly outputs: readonly TensorPlace[];
  /** Bits of `runtimeFeatures`. */
  readonly features: number;
  /** Opcodes after which an inference counts as a runaway: the bound a board may stop it at. */
  readonly opcodeBudget: number;
  /** Layers of a profiling build, 0 for an ordinary one. */
  readonly layers: number;
}

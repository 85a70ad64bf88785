/**
 * The part of the JavaScript `WebAssembly` namespace that Wamlet uses, typed. The project compiles without the
 * DOM library, where TypeScript keeps these types, so that nothing of a browser slips in.
 */

export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

export interface WasmGlobal<Value = number | bigint> {
  value: Value;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export type WasmExportValue = ((...parameters: never[]) => unknown) | WasmGlobal | WasmMemory;

export type WasmExports = Readonly<Record<string, WasmExportValue>>;

export interface WasmInstance {
  readonly exports: WasmExports;
}

export type WasmImports = Readonly<
  Record<string, Readonly<Record<string, (...parameters: number[]) => unknown>>>
>;

interface WebAssemblyNamespace {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports?: WasmImports) => WasmInstance;
  /** What a trap throws. */
  readonly RuntimeError: new (
    message?: string,
  ) => Error;
}

/** The engine's `WebAssembly`. */
export const webAssembly: WebAssemblyNamespace = (
  globalThis as unknown as { readonly WebAssembly: WebAssemblyNamespace }
).WebAssembly;

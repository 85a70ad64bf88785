/**
 * The road from the module's one passive data segment to linear memory. A weight is named by its offset in the
 * segment, so kernels shared by layers need no dispatch over segments. The body is put in after AssemblyScript
 * (which has no passive segments): `host/compiler/assemble_module.ts` turns this import into one `memory.init`.
 */

/** Copies `length` bytes from `offset` in the weight segment to `destination` in linear memory. */
// @ts-ignore: decorator
@external("wamlet", "weights")
export declare function fetchWeights(destination: usize, offset: i32, length: i32): void;

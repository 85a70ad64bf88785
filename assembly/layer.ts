/** Profiling builds tell the runtime where one layer ends and the next begins. */

/** Called after layer `index`, counted from 0. */
// @ts-ignore: decorator
@external("wamlet", "layer")
export declare function layer(index: i32): void;

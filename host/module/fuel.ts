/** The fuel of an instrumented module: how far it may run, and whether it trapped because it ran further. */
import { WamletError } from "../errors.js";
import { fuelExport } from "./instrument.js";
import type { WasmExports, WasmGlobal } from "./webassembly.js";

/** Fills the tank before a call. @param opcodes that the call may execute at least */
export function setFuel(exports: WasmExports, opcodes: number): void {
  fuelGlobal(exports).value = BigInt(Math.floor(opcodes));
}

/** After a trap: was it a runaway that used up its fuel? */
export function outOfFuel(exports: WasmExports): boolean {
  return fuelGlobal(exports).value < 0n;
}

function fuelGlobal(exports: WasmExports): WasmGlobal<bigint> {
  const global = exports[fuelExport];
  if (global === undefined) {
    throw new WamletError(
      "WAMLET_INTERNAL",
      "The module was instrumented without fuel.",
      "Report this: a caller of instrumentForCounting must ask for fuel before it sets any.",
    );
  }
  return global as WasmGlobal<bigint>;
}

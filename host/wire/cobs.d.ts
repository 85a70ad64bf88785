/** The package `cobs` comes without types; these are the two functions that `frame.ts` uses. */
declare module "cobs" {
  export function encode(bytes: Uint8Array): Buffer;
  export function decode(bytes: Uint8Array): Buffer;
}
